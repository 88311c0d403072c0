<?php
declare(strict_types=1);

namespace WxToken\EasyWeChat;

use Symfony\Component\HttpClient\AsyncDecoratorTrait;
use Symfony\Component\HttpClient\Response\AsyncContext;
use Symfony\Component\HttpClient\Response\AsyncResponse;
use Symfony\Contracts\HttpClient\ChunkInterface;
use Symfony\Contracts\HttpClient\HttpClientInterface;
use Symfony\Contracts\HttpClient\ResponseInterface;
use Symfony\Contracts\Service\ResetInterface;

/**
 * Replaces a token that WeChat rejects, and repeats the request once with the new one:
 *
 *     $token = new AccessToken('/var/www/data/token.json', $account);
 *     $app->setAccessToken($token)->setHttpClient(new HealingClient($app->getHttpClient(), $token));
 *
 * Its place is below EasyWeChat's own client, which puts the token into the query: here the request has all that it
 * needs to be repeated (above, the parts of `with()` are gone by then), and it is known which token was rejected. All
 * calls of the app pass through it, and need no change. Set it before the first `getClient()`.
 *
 * - Only a request whose query contains a token of `$accessToken` is repeated: not one with the token of a visitor.
 * - A body that can be read only once (a stream, a Closure, an iterator) is never sent again. The token is
 *   replaced, and the caller gets WeChat's answer.
 * - Responses stay lazy. Files and long answers are passed on as they come.
 * - If the token cannot be replaced, the response throws a TransportException; the WxToken\Exception is its previous one.
 */
final class HealingClient implements HttpClientInterface, ResetInterface
{
    use AsyncDecoratorTrait;

    /**
     * WeChat's APIs reject a token with these: not the latest, invalid, expired.
     *
     * @see https://developers.weixin.qq.com/doc/oplatform/developers/dev/AccessToken.html
     */
    private const REJECTED = [40001, 40014, 42001];

    /** Bytes: an errcode, its errmsg and a request id are some 200. */
    private const LONGEST_ERROR = 4096;

    public function __construct(HttpClientInterface $client, private ReplaceableAccessToken $accessToken)
    {
        $this->client = $client;
    }

    /** @param array<string, mixed> $options */
    public function request(string $method, string $url, array $options = []): ResponseInterface
    {
        $name = $this->nameOfToken($options['query'] ?? []);
        if ($name === null) {
            return new AsyncResponse($this->client, $method, $url, $options);
        }
        $first = null;
        $body = '';
        $pass = function (ChunkInterface $chunk, AsyncContext $context) use ($method, $url, $options, $name, &$first, &$body) {
            if ($chunk->getError() !== null || $context->getInfo('canceled') || $chunk->getInformationalStatus() !== null) {
                yield $chunk;
                return;
            }
            if ($chunk->isFirst()) {
                if (self::mayBeError($context->getHeaders())) {
                    $first = $chunk;
                    return;
                }
                $context->passthru();
                yield $chunk;
                return;
            }
            $body .= $chunk->getContent();
            if (!$chunk->isLast() && strlen($body) <= self::LONGEST_ERROR) {
                return;
            }
            // Whatever follows is for the caller: the rest of this answer, or the answer to the repeated request.
            $context->passthru();
            if ($chunk->isLast() && self::isRejection($body)) {
                $options['query'][$name] = $this->accessToken->replace($options['query'][$name]);
                if (self::canBeSentAgain($options['body'] ?? null)) {
                    $context->getResponse()->cancel();
                    $context->replaceRequest($method, $url, $options);
                    return;
                }
            }
            yield $first;
            if ($body !== '') {
                yield $context->createChunk($body);
            }
            if ($chunk->isLast()) {
                yield $chunk;
            }
        };
        return new AsyncResponse($this->client, $method, $url, $options, $pass);
    }

    /**
     * The key of the token in a query: `access_token`, or another one for platforms.
     *
     * @param array<array-key, mixed> $query
     */
    private function nameOfToken(array $query): int|string|null
    {
        foreach ($query as $name => $value) {
            if (is_string($value) && $this->accessToken->handedOut($value)) {
                return $name;
            }
        }
        return null;
    }

    /**
     * Whether an answer with these headers can be an error of WeChat's, which is short JSON, at times sent as text.
     *
     * @param array<string, list<string>> $headers
     */
    private static function mayBeError(array $headers): bool
    {
        return preg_match('~json|text/plain~i', $headers['content-type'][0] ?? 'text/plain') === 1;
    }

    private static function isRejection(string $body): bool
    {
        $answer = json_decode($body, true);
        return is_array($answer) && is_scalar($answer['errcode'] ?? null)
            && in_array((int) $answer['errcode'], self::REJECTED, true);
    }

    private static function canBeSentAgain(mixed $body): bool
    {
        if (!is_array($body)) {
            return $body === null || is_scalar($body);
        }
        foreach ($body as $part) {
            if (!self::canBeSentAgain($part)) {
                return false;
            }
        }
        return true;
    }
}
