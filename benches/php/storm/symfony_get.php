<?php
// getToken() by Symfony's cache, whose get() lets one process compute an item under a web server.

use Symfony\Component\Cache\Adapter\FilesystemAdapter;
use Symfony\Component\Cache\LockRegistry;

require 'Symfony/Component/Cache/autoload.php';
require __DIR__ . '/fetch.php';

function getToken($file)
{
    // By default it locks its own source files.
    touch("$file.lock");
    LockRegistry::setFiles(["$file.lock"]);
    $pool = new FilesystemAdapter('', 0, "$file.pool");
    return $pool->get('access_token', function ($item) {
        $answer = fetch();
        $item->expiresAfter($answer['expires_in'] - 200);
        return $answer['access_token'];
    });
}
