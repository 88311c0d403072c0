<?php
// The Redis that the programs without the extension use.

use Symfony\Component\Cache\Adapter\RedisAdapter;
use Symfony\Component\Cache\CacheItem;
use Symfony\Component\Cache\Marshaller\DefaultMarshaller;

require 'Symfony/Component/Cache/autoload.php';
load(RedisAdapter::class, CacheItem::class, DefaultMarshaller::class);

/** Loads classes before the call that is measured: on a server, opcache has them. */
function load(string ...$classes): void
{
    array_map(class_exists(...), $classes);
}

/** PHP's own limit is 60 s. REDIS_LIMIT is one of the demo, in seconds. */
function connect()
{
    $limit = (float) getenv('REDIS_LIMIT');
    return RedisAdapter::createConnection(getenv('REDIS_URL'), ['timeout' => $limit, 'read_timeout' => $limit]);
}
