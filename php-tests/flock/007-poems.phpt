--TEST--
Writes that belong together stay together when each writer holds the lock around all of them
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/processes.inc';
$file = __DIR__ . '/007-poems.txt';

const LI_BAI = ["床前明月光\n", "疑是地上霜\n", "举头望明月\n", "低头思故乡\n"];
const WANG_ZHIHUAN = ["白日依山尽\n", "黄河入海流\n", "欲穷千里目\n", "更上一层楼\n"];

function stanzas(string $file): array {
    $stanzas = array_chunk(file($file), 4);
    return [
        '床前明月光' => count(array_keys($stanzas, LI_BAI, true)),
        '白日依山尽' => count(array_keys($stanzas, WANG_ZHIHUAN, true)),
        'mixed' => count(array_filter($stanzas, fn($stanza) => $stanza !== LI_BAI && $stanza !== WANG_ZHIHUAN)),
    ];
}

echo "-- without a lock\n";
@unlink($file);
$child = fork(function (Peer $parent) use ($file) {
    $handle = fopen($file, 'a');
    for ($stanza = 0; $stanza < 3; $stanza++) {
        foreach (WANG_ZHIHUAN as $line) {
            $parent->hear();
            fwrite($handle, $line);
            $parent->say('your turn');
        }
    }
});
$handle = fopen($file, 'a');
for ($stanza = 0; $stanza < 3; $stanza++) {
    foreach (LI_BAI as $line) {
        fwrite($handle, $line);
        $child->say('your turn');
        $child->hear();
    }
}
fclose($handle);
$child->end();
echo implode('', array_slice(file($file), 0, 8));
echo json_encode(stanzas($file), JSON_UNESCAPED_UNICODE), "\n";

echo "-- with wx_with_lock()\n";
unlink($file);
$write = function (array $poem) use ($file) {
    $handle = fopen($file, 'a');
    for ($stanza = 0; $stanza < 1000; $stanza++) {
        wx_with_lock($file, function () use ($handle, $poem) {
            foreach ($poem as $line) {
                fwrite($handle, $line);
            }
        });
    }
};
$child = fork(function (Peer $parent) use ($write) {
    $parent->hear();
    $write(WANG_ZHIHUAN);
});
wx_with_lock($file, function () use ($file, $child) {
    file_put_contents($file, [LI_BAI[0], LI_BAI[1]], FILE_APPEND);
    $child->say('begin');
    var_dump($child->waits_in_pauses());
    file_put_contents($file, [LI_BAI[2], LI_BAI[3]], FILE_APPEND);
});
$write(LI_BAI);
$child->end();
echo json_encode(stanzas($file), JSON_UNESCAPED_UNICODE), "\n";
?>
--CLEAN--
<?php @unlink(__DIR__ . '/007-poems.txt'); ?>
--EXPECT--
-- without a lock
床前明月光
白日依山尽
疑是地上霜
黄河入海流
举头望明月
欲穷千里目
低头思故乡
更上一层楼
{"床前明月光":0,"白日依山尽":0,"mixed":6}
-- with wx_with_lock()
bool(true)
{"床前明月光":1001,"白日依山尽":1000,"mixed":0}
