--TEST--
A token for each session spoils those of the others; with the extension there is one for all
--EXTENSIONS--
wx_token
pcntl
--SKIPIF--
<?php
is_executable(getenv("WECHAT_EMULATOR") ?: __DIR__ . "/../../target/release/wechat-emulator")
    || print "skip the emulator is not built, and WECHAT_EMULATOR does not name it";
?>
--FILE--
<?php
require __DIR__ . '/recipes.inc';
// A visitor's session is a file. WeChat keeps a replaced token valid for five minutes: here for none.
$recipe = new Recipe(start_emulator('--overlap', '0'), 'session', '048-session');
$visit = fn(string $program, int $visitor) => $recipe->run($program, "(function () {
    \$_SESSION = json_decode((string) @file_get_contents('session$visitor.json'), true) ?: [];
    \$token = getWxAccessToken();
    file_put_contents('session$visitor.json', json_encode(\$_SESSION));
    return \$token;
})()");

foreach (['legacy', 'migrated'] as $program) {
    $tokens = [];
    foreach ([1, 2, 3, 1, 2, 3] as $visitor) {
        $tokens[] = $recipe->counted("$program, visitor $visitor", fn() => $visit($program, $visitor));
    }
    echo 'accepted by WeChat: ', json_encode(array_map([$recipe, 'accepts'], $tokens)), "\n";
}
echo shape($recipe->path('access_token.json')), "\n";

echo "-- expired\n";
$recipe->expire();
$recipe->counted('migrated', fn() => $recipe->storm('migrated', 'getWxAccessToken()'));
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/048-session');
?>
--EXPECT--
legacy, visitor 1: fetches: 1
legacy, visitor 2: fetches: 1
legacy, visitor 3: fetches: 1
legacy, visitor 1: fetches: 0
legacy, visitor 2: fetches: 0
legacy, visitor 3: fetches: 0
accepted by WeChat: [false,false,true,false,false,true]
migrated, visitor 1: fetches: 1
migrated, visitor 2: fetches: 0
migrated, visitor 3: fetches: 0
migrated, visitor 1: fetches: 0
migrated, visitor 2: fetches: 0
migrated, visitor 3: fetches: 0
accepted by WeChat: [true,true,true,true,true,true]
{"access_token":"TOKEN","expire":TIME}
-- expired
migrated: fetches: 1
