--TEST--
HealingClient repeats a request once, and only one that it may send again
--EXTENSIONS--
wx_token
pcntl
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/bridge.inc';
use Symfony\Component\HttpClient\MockHttpClient;
use Symfony\Component\HttpClient\Response\MockResponse;
use WxToken\EasyWeChat\{AccessToken, HealingClient};

$file = __DIR__ . '/011-token.json';
@unlink($file);
$made = 0;
$token = new AccessToken($file, function () use (&$made) {
    return ['access_token' => 'token' . ++$made, 'expires_in' => 7200];
});
$token->getToken();

const JSON = ['response_headers' => ['content-type' => 'application/json; encoding=utf-8']];
const REJECTED = '{"errcode":40001,"errmsg":"invalid credential, access_token is invalid or not latest rid: 1"}';

/** A body, however it comes: Symfony makes closures of iterators. */
function whole(mixed $body): string
{
    if (is_resource($body)) {
        return stream_get_contents($body);
    }
    for ($whole = ''; $body instanceof Closure && ($part = $body(100)) !== '';) {
        $whole .= $part;
    }
    return is_string($body) ? $body : $whole;
}

/** What a request gets, how often it was sent with which body, and whether the token was replaced. */
function ask(array $answers, array $options = [], ?callable $show = null): void
{
    global $token, $made;
    $before = $made;
    $bodies = [];
    $wechat = new MockHttpClient(function ($method, $url, $options) use (&$answers, &$bodies) {
        $bodies[] = whole($options['body'] ?? '');
        [$text, $info] = array_shift($answers);
        return new MockResponse($text, $info);
    }, 'https://api.weixin.qq.com/');
    $options += ['query' => $token->toQuery()];
    $response = (new HealingClient($wechat, $token))->request('POST', 'cgi-bin/menu/create', $options);
    try {
        $got = ($show ?? fn($response) => $response->getContent())($response);
    } catch (Throwable $e) {
        $got = $e::class . ', because of ' . ($e->getPrevious() ? $e->getPrevious()::class : 'nothing');
    }
    echo $got === REJECTED ? 'rejected' : $got, ' | sent: ', json_encode($bodies), ', replaced: ', $made - $before, "\n";
}

echo "-- no end of rejections\n";
ask(array_fill(0, 9, [REJECTED, JSON]));
echo "-- another error, no error, no JSON\n";
ask([['{"errcode":45009,"errmsg":"reach max api daily quota limit"}', JSON]]);
ask([['{"errcode":0,"text":"errcode 40001"}', JSON]]);
ask([['40001', JSON]]);
ask([['', JSON]]);
echo "-- no answer\n";
ask([['', ['error' => 'no route to host']]]);
ask([[(function () { yield REJECTED; throw new RuntimeException('connection reset'); })(), JSON]]);
echo "-- an errcode as a string, JSON as text\n";
ask([['{"errcode":"42001"}', JSON], ['{"errcode":0}', JSON]]);
ask([[REJECTED, ['response_headers' => ['content-type' => 'text/plain']]], ['{"errcode":0}', JSON]]);
echo "-- bodies that can be sent again\n";
ask([[REJECTED, JSON], ['{"errcode":0}', JSON]], ['json' => ['button' => 'one']]);
ask([[REJECTED, JSON], ['{"errcode":0}', JSON]], ['body' => 'button=two']);
ask([[REJECTED, JSON], ['{"errcode":0}', JSON]], ['body' => ['button' => ['three']]]);
echo "-- bodies that cannot\n";
$stream = fopen('php://memory', 'w+');
fwrite($stream, 'a stream');
rewind($stream);
ask([[REJECTED, JSON], ['{"errcode":0}', JSON]], ['body' => $stream]);
$parts = ['a ', 'closure'];
ask([[REJECTED, JSON], ['{"errcode":0}', JSON]], ['body' => function () use (&$parts) {
    return (string) array_shift($parts);
}]);
ask([[REJECTED, JSON], ['{"errcode":0}', JSON]], ['body' => (function () {
    yield 'a ';
    yield 'generator';
})()]);
echo "-- the token of a visitor, no token, the token in a key of another name\n";
ask([[REJECTED, JSON]], ['query' => ['access_token' => 'of a visitor', 'openid' => 'o']]);
ask([[REJECTED, JSON]], ['query' => ['grant_type' => 'client_credential', 'n' => 1]]);
ask([[REJECTED, JSON], ['{"errcode":0}', JSON]], ['query' => ['component_access_token' => $token->getToken()]]);
echo "-- files and long answers are passed on as they come\n";
$chunks = function ($response) {
    $sizes = [];
    foreach (\Symfony\Component\HttpClient\Response\AsyncResponse::stream([$response]) as $chunk) {
        $chunk->isFirst() || $chunk->isLast() || $sizes[] = strlen($chunk->getContent());
    }
    return implode('+', $sizes);
};
ask([[[REJECTED, REJECTED], ['response_headers' => ['content-type' => 'image/jpeg']]]], [], $chunks);
ask([[[REJECTED, str_repeat(' ', 4000), str_repeat(' ', 5000), 'end'], JSON]], [], $chunks);
echo "-- the token cannot be replaced\n";
$token = new AccessToken($file, fn() => throw new DomainException('the provider is down'));
ask([[REJECTED, JSON]]);
?>
--CLEAN--
<?php @unlink(__DIR__ . '/011-token.json'); ?>
--EXPECT--
-- no end of rejections
rejected | sent: ["",""], replaced: 1
-- another error, no error, no JSON
{"errcode":45009,"errmsg":"reach max api daily quota limit"} | sent: [""], replaced: 0
{"errcode":0,"text":"errcode 40001"} | sent: [""], replaced: 0
40001 | sent: [""], replaced: 0
 | sent: [""], replaced: 0
-- no answer
Symfony\Component\HttpClient\Exception\TransportException, because of Symfony\Component\HttpClient\Exception\TransportException | sent: [""], replaced: 0
Symfony\Component\HttpClient\Exception\TransportException, because of RuntimeException | sent: [""], replaced: 0
-- an errcode as a string, JSON as text
{"errcode":0} | sent: ["",""], replaced: 1
{"errcode":0} | sent: ["",""], replaced: 1
-- bodies that can be sent again
{"errcode":0} | sent: ["{\"button\":\"one\"}","{\"button\":\"one\"}"], replaced: 1
{"errcode":0} | sent: ["button=two","button=two"], replaced: 1
{"errcode":0} | sent: ["button%5B0%5D=three","button%5B0%5D=three"], replaced: 1
-- bodies that cannot
rejected | sent: ["a stream"], replaced: 1
rejected | sent: ["a closure"], replaced: 1
rejected | sent: ["a generator"], replaced: 1
-- the token of a visitor, no token, the token in a key of another name
rejected | sent: [""], replaced: 0
rejected | sent: [""], replaced: 0
{"errcode":0} | sent: ["",""], replaced: 1
-- files and long answers are passed on as they come
93+93 | sent: [""], replaced: 0
9093+3 | sent: [""], replaced: 0
-- the token cannot be replaced
Symfony\Component\HttpClient\Exception\TransportException, because of DomainException | sent: [""], replaced: 0
