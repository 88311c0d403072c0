<?php

namespace WxToken\Polyfill;

/**
 * What a refresh leaves beside the token in the file's content, in the form of the extension: its key is `wx_token`.
 * The extension has an attribute of the file besides, which PHP can neither read nor write.
 */
final class RefreshState
{
    public const KEY = 'wx_token';

    /** @var FailureRecord|null */
    public $failure;
    /** @var int|null The token is due at once, but is not refreshed before this moment. */
    public $notBefore;
    /** @var int|null The token's expiry, if the file alone does not say enough. */
    public $expiry;
    /** @var string|null The fingerprint of the token of that expiry. */
    private $tag;

    public static function read(string $json): self
    {
        $members = json_decode($json, true);
        $members = is_array($members) ? $members : [];
        $integer = static function (string $key) use ($members): ?int {
            return is_int($members[$key] ?? null) ? $members[$key] : null;
        };
        $state = new self();
        $state->failure = FailureRecord::fromMembers($members);
        $state->notBefore = $integer('refresh_not_before_ms');
        $state->expiry = $integer('expires_at_ms');
        $state->tag = is_string($members['token'] ?? null) ? $members['token'] : null;
        return $state;
    }

    public function toJson(): ?string
    {
        $members = $this->failure === null ? [] : $this->failure->toMembers();
        $members += array_filter(
            ['refresh_not_before_ms' => $this->notBefore, 'expires_at_ms' => $this->expiry, 'token' => $this->tag],
            static function ($value): bool {
                return $value !== null;
            }
        );
        return $members === [] ? null : JsonText::encode($members);
    }

    /** The same with the expiry of `$token`, as its file alone does not say it. */
    public function withExpiry(Token $token): self
    {
        $state = clone $this;
        $state->expiry = $token->expiry;
        $state->tag = Fingerprint::of($token->value);
        return $state;
    }

    /** The token with the expiry of the file, which may be rounded, and shorter than it was. */
    public function token(string $value, FileExpiry $file): Token
    {
        $isTagged = $this->tag === null ? null : $this->tag === Fingerprint::of($value);
        if ($this->expiry !== null && $isTagged !== false) {
            if ($file->isByModification && $isTagged !== null) {
                return Token::own($value, min($file->at, $this->expiry));
            }
            if ($file->at <= Clock::add($this->expiry, 1000)) {
                return Token::own($value, $file->at);
            }
        }
        return $file->isNever ? Token::own($value, $file->at) : Token::foreign($value, $file->at);
    }
}
