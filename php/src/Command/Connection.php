<?php

namespace WxToken\Command;

use WxToken\Polyfill\Quietly;

/** A connection to try an address, with TLS or without. */
final class Connection
{
    /** @var resource|null */
    private $stream;
    /** @var string Why there is none. */
    public $error = '';
    /** @var array|null What the server's certificate says. */
    public $certificate;
    /** @var string */
    public $protocol = '';
    /** @var float */
    private $deadline;

    public function __construct(Address $address, float $timeout, bool $mustBeTrusted = true, string $caFile = '')
    {
        $this->deadline = microtime(true) + $timeout;
        $ssl = ['capture_peer_cert' => true, 'SNI_enabled' => true, 'peer_name' => $address->host, 'verify_peer' => $mustBeTrusted, 'verify_peer_name' => $mustBeTrusted];
        $context = stream_context_create(['ssl' => $caFile === '' ? $ssl : $ssl + ['cafile' => $caFile]]);
        $stream = Quietly::run(static function () use ($address, $timeout, $context) {
            return stream_socket_client(($address->isTls ? 'ssl' : 'tcp') . "://$address", $number, $text, $timeout, STREAM_CLIENT_CONNECT, $context);
        });
        if (!is_resource($stream)) {
            $this->error = self::reason(Quietly::text());
            return;
        }
        $this->stream = $stream;
        $this->read();
        if ($address->isTls) {
            $this->protocol = stream_get_meta_data($stream)['crypto']['protocol'] ?? 'TLS';
            $peer = stream_context_get_options($stream)['ssl']['peer_certificate'] ?? null;
            $this->certificate = $peer === null ? null : (openssl_x509_parse($peer) ?: null);
        }
    }

    public function isOpen(): bool
    {
        return $this->stream !== null;
    }

    /** What the other side answers within the time: up to `$end`, or as much as it sends. */
    public function ask(string $request, string $end): string
    {
        fwrite($this->stream, $request);
        $answer = '';
        while (strpos($answer, $end) === false && strlen($answer) < 65536 && microtime(true) < $this->deadline) {
            $part = $this->read();
            if ($part === null) {
                break;
            }
            $answer .= $part;
            usleep($part === '' ? 2000 : 0);
        }
        return $answer;
    }

    private function read(): ?string
    {
        stream_set_blocking($this->stream, false);
        $part = (string) fread($this->stream, 8192);
        return $part === '' && feof($this->stream) ? null : $part;
    }

    private static function reason(string $warning): string
    {
        if (stripos($warning, 'certificate verify failed') !== false) {
            return 'the certificate is not trusted';
        }
        if (preg_match('/did not match expected (?:CN|name)|[Pp]eer certificate CN/', $warning) === 1) {
            return 'the certificate is for another host';
        }
        if (strpos($warning, 'wrong version number') !== false) {
            return 'the other side does not speak TLS';
        }
        if (preg_match('/error:\w+:SSL routines:[^:\n]*:([^\n]+)/', $warning, $match) === 1) {
            return "the handshake failed: $match[1]";
        }
        if (strpos($warning, 'getaddrinfo') !== false) {
            return 'the host name does not resolve';
        }
        if (preg_match('/Unable to connect to \S+ \((.+)\)/i', $warning, $match) === 1) {
            return lcfirst($match[1]);
        }
        return lcfirst(trim(strrchr("\n" . trim($warning), "\n") ?: 'no connection'));
    }
}
