<?php
declare(strict_types=1);

namespace WxToken\EasyWeChat;

/**
 * ReplaceableAccessToken over a token file. A rejected token is replaced only while the file still contains it.
 *
 * @internal
 */
trait OverTokenFile
{
    private string $file;

    /** @var array<string, mixed>|callable|null As for wx_get_token(). */
    private $source;

    /** The token that was handed out last: the one that a rejected request was most likely made with. */
    private ?string $last = null;

    /** The one before: a request with it may still be on its way while another one replaces it. */
    private ?string $before = null;

    public function getToken(): string
    {
        return $this->handOut(\wx_get_token($this->file, $this->source));
    }

    /** Replaces the token that was handed out last, unless another process has done so already. */
    public function refresh(): string
    {
        return $this->last === null ? $this->getToken() : $this->replace($this->last);
    }

    public function replace(#[\SensitiveParameter] string $rejected): string
    {
        return $this->handOut(\wx_refresh_token($this->file, $rejected, $this->source));
    }

    public function handedOut(#[\SensitiveParameter] string $token): bool
    {
        return $token === $this->last || $token === $this->before;
    }

    private function handOut(#[\SensitiveParameter] string $token): string
    {
        if ($token !== $this->last) {
            [$this->before, $this->last] = [$this->last, $token];
        }
        return $token;
    }
}
