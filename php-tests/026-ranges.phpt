--TEST--
Every number: the range that a refusal names is the range that is taken
--EXTENSIONS--
wx_token
--FILE--
<?php
set_error_handler(function (int $level, string $message) {
    throw new ValueError($message);
});
$file = __DIR__ . '/026-ranges.json';
file_put_contents($file, json_encode(['access_token' => 'token', 'expire' => time() + 7000]));

$numbers = ['$timeout of wx_with_lock' => fn($value) => wx_with_lock($file, fn() => null, $value)];
foreach (['refresh_ahead', 'revalidate_freq', 'lock_timeout', 'connect_timeout', 'timeout'] as $name) {
    $numbers["setting $name"] = function ($value) use ($name) {
        ini_set("wx_token.$name", $value);
        ini_restore("wx_token.$name");
    };
}
foreach (['refresh_ahead', 'lock_timeout', 'timeout'] as $name) {
    $numbers["option $name"] = function ($value) use ($file, $name) {
        try {
            wx_get_token($file, [$name => $value]);
        } catch (WxToken\ConfigException) {
            // Taken: the token is due, and there is no account.
        }
    };
}
function refusal(callable $number, $value): ?string
{
    try {
        $number($value);
        return null;
    } catch (ValueError $e) {
        return $e->getMessage();
    }
}
foreach ($numbers as $name => $number) {
    preg_match('/ from (\S+) to ([0-9.]+)/', refusal($number, -1), $range) || exit("$name names no range");
    [, $least, $most] = $range;
    echo "$name: $least to $most\n";
    foreach ([$least, $most] as $taken) {
        echo refusal($number, $taken);
    }
    foreach ([$least - 0.0000001, $most + 0.001] as $beyond) {
        refusal($number, $beyond) ?? print("$beyond is taken\n");
    }
}
?>
--CLEAN--
<?php unlink(__DIR__ . '/026-ranges.json'); ?>
--EXPECT--
$timeout of wx_with_lock: 0 to 86400
setting refresh_ahead: 0 to 86400
setting revalidate_freq: 0 to 86400
setting lock_timeout: 0 to 86400
setting connect_timeout: 0.001 to 86400
setting timeout: 0.001 to 86400
option refresh_ahead: 0 to 86400
option lock_timeout: 0 to 86400
option timeout: 0.001 to 86400
