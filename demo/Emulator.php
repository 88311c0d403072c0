<?php
declare(strict_types=1);

/** A running wechat-emulator. It exits when its stdin closes, so it cannot outlive the demo. */
final class Emulator
{
    const APPID = 'wx0123456789abcdef';
    const SECRET = '0123456789abcdef0123456789abcdef';

    public readonly string $url;

    /** @var resource */
    private $process;
    private array $pipes = [];

    public function __construct(string $binary, string ...$flags)
    {
        $ends = [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w']];
        $this->process = proc_open([$binary, '--exit-with-stdin', ...$flags], $ends, $this->pipes)
            ?: throw new RuntimeException("cannot start $binary");
        $hello = (string) fgets($this->pipes[1]);
        if (!preg_match('~ listening on (http://\S+)~', $hello, $match)) {
            throw new RuntimeException("$binary did not start: $hello" . stream_get_contents($this->pipes[2]));
        }
        $this->url = $match[1];
    }

    public function __destruct()
    {
        array_map(fclose(...), $this->pipes);
        proc_close($this->process);
    }

    /** Forgets all tokens, then makes one, which the next fetch will replace. */
    public function firstToken(): string
    {
        $this->control('POST', 'forget');
        $query = ['grant_type' => 'client_credential', 'appid' => self::APPID, 'secret' => self::SECRET];
        $token = http_json("$this->url/cgi-bin/token?" . http_build_query($query))['access_token'];
        $this->control('POST', 'reset');
        return $token;
    }

    /** Fetches by all callers since firstToken(). */
    public function fetches(): int
    {
        return array_sum($this->control('GET', 'stats')['fetches']);
    }

    public function isFetching(): bool
    {
        return $this->control('GET', 'stats')['in_flight'] > 0;
    }

    private function control(string $method, string $call): array
    {
        return http_json("$this->url/emulator/$call", $method);
    }
}

/** Whether an ordinary API of WeChat takes the token. */
function is_live(string $token, string $api): bool
{
    $answer = http_json("$api/cgi-bin/get_api_domain_ip?access_token=" . urlencode($token));
    return match ($errcode = $answer['errcode'] ?? 0) {
        0 => true,
        40001, 40014, 41001, 42001 => false,
        default => throw new RuntimeException("cannot check a token: WeChat answers errcode $errcode"),
    };
}

/** The JSON that an HTTP call answers. Tokens travel in URLs: no message may hold one. */
function http_json(string $url, string $method = 'GET'): array
{
    $options = ['method' => $method, 'timeout' => 10, 'ignore_errors' => true];
    $answer = @file_get_contents($url, false, stream_context_create(['http' => $options]));
    return json_decode((string) $answer, true)
        ?? throw new RuntimeException('no JSON from ' . strtok($url, '?'));
}
