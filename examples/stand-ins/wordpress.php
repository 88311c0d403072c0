<?php
// A stand-in for WordPress' options and transients. A flat file is the table wp_options.

require_once __DIR__ . '/FlatStore.php';

function get_option($option, $default_value = false)
{
    return (new FlatStore())->get($option) ?? $default_value;
}

function update_option($option, $value)
{
    (new FlatStore())->set($option, $value);
    return true;
}

function get_transient($transient)
{
    return (new FlatStore())->get("_transient_$transient") ?? false;
}

function set_transient($transient, $value, $expiration = 0)
{
    (new FlatStore())->set("_transient_$transient", $value, $expiration ?: null);
    return true;
}

function delete_transient($transient)
{
    (new FlatStore())->delete("_transient_$transient");
    return true;
}
