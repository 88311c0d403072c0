<?php
// Stand-ins for the classes Redis, Memcached and PDO. A flat file is the server.

require_once __DIR__ . '/FlatStore.php';

final class FlatRedis
{
    public function get(string $key): string|false
    {
        return (new FlatStore())->get($key) ?? false;
    }

    public function setex(string $key, int $expire, string $value): bool
    {
        (new FlatStore())->set($key, $value, $expire);
        return true;
    }

    public function ttl(string $key): int
    {
        return (new FlatStore())->ttl($key);
    }

    public function del(string $key): int
    {
        (new FlatStore())->delete($key);
        return 1;
    }
}

/** It cannot say how long a value lives. Nor can the real one. */
final class FlatMemcached
{
    public function get(string $key): mixed
    {
        return (new FlatStore())->get($key) ?? false;
    }

    public function set(string $key, mixed $value, int $expiration = 0): bool
    {
        (new FlatStore())->set($key, $value, $expiration ?: null);
        return true;
    }
}

/** PDO and PDOStatement in one, for the two statements of the example. */
final class FlatPdo
{
    public function __construct(private string $sql = '')
    {
    }

    public function prepare(string $sql): self
    {
        return new self($sql);
    }

    public function execute(array $values = []): bool
    {
        if (str_starts_with($this->sql, 'UPDATE')) {
            (new FlatStore())->set('wx_user', ['web_access_token' => $values[0], 'web_expires' => $values[1]]);
        }
        return true;
    }

    public function fetch(): array
    {
        return (new FlatStore())->get('wx_user') ?? ['web_access_token' => '', 'web_expires' => 0];
    }
}
