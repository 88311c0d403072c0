<?php

namespace WxToken\Polyfill;

/** Where a refresh gets its token from. */
interface Source
{
    /**
     * A token other than `$rejected`, if possible.
     *
     * @throws Failure It failed: recorded, and shared by all who wait.
     * @throws \Throwable It could not be asked: for this caller alone.
     */
    public function fetch(?string $rejected): IssuedToken;

    public function requester(): Requester;

    /** How many requests it has sent to WeChat. */
    public function requests(): int;

    /** For how many milliseconds a token stays valid once a newer one was asked for; null if a newer one does not invalidate it. */
    public function overlap(): ?int;
}
