--TEST--
wx-token: no secret and no password in anything that it says, and no token but by get
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
require __DIR__ . '/log.inc';
$directory = command_directory('016-secrets');
$file = "$directory/token.json";
$emulator = command_emulator();
file_put_contents("$directory/accounts", json_encode(['wx2' => ['secret' => 'a-secret-of-another-account']]));
$settings = emulated($emulator) + ['wx_token.store' => 'redis://user:pass-word@127.0.0.1:1', 'wx_token.store_key' => 'store-key-that-is-secret',
    'wx_token.accounts_file' => "$directory/accounts", 'wx_token.log' => "$directory/wx.log"];
list(, $token) = wx_token(['get', $file], $settings);
$hash = hash('sha256', trim($token));
file_put_contents("$directory/wx.log", refreshed_line(time() - 10, $file, '00000001', substr($hash, 0, 8)), FILE_APPEND);
$said = '';
$count = 0;
$environments = [[], ['WX_APPID' => COMMAND_APPID, 'WX_SECRET' => 'secret-of-the-environment']];
foreach (['fresh', 'failing', 'unusable'] as $state) {
    if ($state === 'failing') {
        emulator_control($emulator, 'POST', 'script', json_encode([['errcode' => 40001, 'errmsg' => 'invalid ' . COMMAND_SECRET . ' secret', 'times' => 0]]));
        file_put_contents($file, json_encode(['access_token' => trim($token), 'expire' => time() - 5]));
    } elseif ($state === 'unusable') {
        file_put_contents($file, trim($token));
    }
    foreach ($environments as $environment) {
        foreach ([
            ['status', $file], ['status', '--json', $file], ['status', '--prometheus', $file], ['warm', $file], ['warm', '--json', $file], ['history', $file],
            ['history', '--json', $file], ['doctor', '--ask', $file], ['doctor', '--ask', '--json', $file], ['doctor', '--appid=wx2', $file],
            ['doctor', '--ask', '--endpoint=classic', '--force', $file], ['get', '--secret=secret-of-an-argument', $file],
            ['status', '--secret', 'secret-of-an-argument', $file], ['get', '--refresh-ahead=7300', "$directory/nowhere/token.json"],
        ] as $arguments) {
            list(, $output, $messages) = wx_token($arguments, $settings, $environment);
            $said .= "$output\n$messages\n";
            $count++;
        }
        if ($state !== 'fresh') {
            list(, $output, $messages) = wx_token(['get', $file], $settings, $environment);
            $said .= "$output\n$messages\n";
        }
    }
}
list(, $output) = on_terminal(60, ['doctor', '--ask', $file], $settings);
$said .= $output;
foreach ([trim($token), $hash, COMMAND_SECRET, 'pass-word', 'store-key-that-is-secret', 'a-secret-of-another-account', 'secret-of-the-environment', 'secret-of-an-argument'] as $index => $secret) {
    if (strpos($said, $secret) !== false) {
        echo "said: $index ", substr($said, strpos($said, $secret) - 200, 300), "\n";
    }
}
// Every token of the emulator begins so.
echo preg_match('/EMU[\w-]{16}/', $said) === 0 ? 'no token' : 'a token', ' ', strpos($said, substr($hash, 0, 8)) !== false ? 'a fingerprint' : $said, " $count\n";
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('016-secrets'); ?>
--EXPECT--
no token a fingerprint 84
