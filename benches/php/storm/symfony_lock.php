<?php
// getToken() done right with symfony/lock: read, lock, read again, fetch, write.

use Symfony\Component\Lock\LockFactory;
use Symfony\Component\Lock\Store\FlockStore;

require 'Symfony/Component/Lock/autoload.php';
require __DIR__ . '/fetch.php';

function getToken($file)
{
    return stored($file) ?? refreshed($file);
}

function stored($file)
{
    $data = json_decode(file_get_contents($file), true);
    return $data && $data['expire'] > time() ? $data['access_token'] : null;
}

function refreshed($file)
{
    $lock = (new LockFactory(new FlockStore(dirname($file))))->createLock($file);
    $lock->acquire(true);
    try {
        $token = stored($file);
        if ($token === null) {
            ['access_token' => $token] = fetch();
            $data = ['access_token' => $token, 'expire' => time() + 7000];
            file_put_contents("$file.new", json_encode($data));
            rename("$file.new", $file);
        }
        return $token;
    } finally {
        $lock->release();
    }
}
