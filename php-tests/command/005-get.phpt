--TEST--
wx-token get: prints the token alone; messages and exit codes for all else
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
$directory = command_directory('005-get');
$emulator = command_emulator();
$settings = emulated($emulator);
$get = static function (array $arguments, array $settings, array $environment = []) {
    list($code, $output, $said) = wx_token(array_merge(['get'], $arguments), $settings, $environment);
    echo preg_match('/^EMU[\w-]+\n$/D', $output) ? "a token\n" : steady($output), $said === '' ? '' : steady($said), "exit code $code\n";
    return $output;
};

echo "-- the account of the settings, of the environment, and of the accounts file\n";
$first = $get(["$directory/token.json"], $settings);
echo json_encode($get(["$directory/token.json"], $settings) === $first), ' ', emulator_fetches($emulator), "\n";
$api = ['wx_token.api_base' => $emulator->url];
$get(["$directory/second.json"], $api, ['WX_APPID' => COMMAND_APPID, 'WX_SECRET' => COMMAND_SECRET]);
file_put_contents("$directory/accounts", json_encode([COMMAND_APPID => ['secret' => COMMAND_SECRET], 'wx1' => ['secret' => 'x']]));
chmod("$directory/accounts", 0600);
$get(["$directory/third.json"], $api + ['wx_token.accounts_file' => "$directory/accounts"]);
$get(['--appid=' . COMMAND_APPID, '--', "$directory/third.json"], $api + ['wx_token.accounts_file' => "$directory/accounts"]);

echo "-- what fails\n";
$get(["$directory/none.json"], $api);
$get(["$directory/nowhere/none.json"], $settings);
emulator_control($emulator, 'POST', 'script', '[{"errcode":40164,"errmsg":"invalid ip 1.2.3.4"}]');
$get(["$directory/refused.json"], $settings);
$get(["$directory/refused.json"], $settings);

echo "-- a due token is printed at once, and its refresh is waited for\n";
emulator_control($emulator, 'POST', 'expire');
file_put_contents("$directory/due.json", json_encode(['access_token' => 'still-valid-for-a-minute', 'expire' => time() + 60]));
$before = emulator_fetches($emulator);
list($code, $output) = wx_token(['get', "$directory/due.json"], $settings);
$stored = json_decode(file_get_contents("$directory/due.json"), true)['access_token'];
$printed = getenv('WX_TOKEN_POLYFILL') ? $stored : 'still-valid-for-a-minute';
echo json_encode(trim($output) === $printed), ' ', json_encode($stored !== 'still-valid-for-a-minute'), ' ', emulator_fetches($emulator) - $before, " exit code $code\n";

echo "-- a token that does not arrive is no success\n";
exec(implode(' ', array_map('escapeshellarg', command_words(['get', "$directory/token.json"], $settings))) . ' >/dev/full 2>&1', $lines, $code);
echo $code, "\n";
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('005-get'); ?>
--EXPECT--
-- the account of the settings, of the environment, and of the accounts file
a token
exit code 0
a token
exit code 0
true 1
a token
exit code 0
wx-token: the accounts file 005-get/accounts has 2 accounts (wx0123456789abcdef, wx1), and none is selected. Set wx_token.appid, or pass the option "appid"
exit code 2
a token
exit code 0
-- what fails
wx-token: no WeChat account is configured. Set wx_token.appid and wx_token.secret, or WX_APPID and WX_SECRET in the environment (php-fpm: env[WX_APPID] in the pool, or fastcgi_param), or pass ['appid' => …, 'secret' => …]
exit code 2
wx-token: cannot create 005-get/nowhere/none.json: the directory 005-get/nowhere does not exist. Create it, or pass another path
exit code 2
wx-token: cannot refresh 005-get/refused.json: WeChat answered errcode 40164 (invalid ip 1.2.3.4). Add 1.2.3.4 to the account's IP whitelist; next attempt in 60 s, or at once with another appid or secret
exit code 1
wx-token: cannot refresh 005-get/refused.json: WeChat answered errcode 40164 (invalid ip 1.2.3.4). Add 1.2.3.4 to the account's IP whitelist; next attempt in 60 s, or at once with another appid or secret
exit code 1
-- a due token is printed at once, and its refresh is waited for
true true 1 exit code 0
-- a token that does not arrive is no success
74
