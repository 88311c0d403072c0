<?php
// A stand-in for the cache functions of ThinkPHP: S() of version 3, cache() of 5, 6 and 8, and Cache::remember()
// (think\facade\Cache). A flat file is the cache.

namespace think\facade {
    class Cache
    {
        public static function remember(string $name, $value, $expire = null)
        {
            $found = cache($name);
            if ($found === null) {
                cache($name, $found = $value instanceof \Closure ? $value() : $value, $expire);
            }
            return $found;
        }
    }
}

namespace {
    require_once __DIR__ . '/FlatStore.php';

    /** One argument: get. Two or three: set, or with null as the value: delete. */
    function cache($name, $value = '', $options = null)
    {
        $store = new FlatStore();
        if ($value === '') {
            return $store->get($name);
        }
        $value === null ? $store->delete($name) : $store->set($name, $value, $options);
        return true;
    }

    function S($name, $value = '', $options = null)
    {
        return cache($name, $value, $options) ?? false;
    }
}
