--TEST--
Settings: their defaults, where they may be changed, and what is refused at run time
--EXTENSIONS--
wx_token
--FILE--
<?php
foreach (ini_get_all('wx_token') as $name => $setting) {
    $where = match ($setting['access']) {
        INI_ALL => 'all',
        INI_PERDIR | INI_SYSTEM, INI_PERDIR => 'perdir',
        INI_SYSTEM => 'system',
    };
    printf("%-26s %-8s %s\n", $name, $setting['global_value'] ?? 'null', $where);
}
foreach (['timeout' => '0', 'connect_timeout' => '-1', 'lock_timeout' => 'ten'] as $name => $value) {
    var_dump(ini_set("wx_token.$name", $value), ini_get("wx_token.$name"));
}
var_dump(ini_set('wx_token.timeout', '2.5'), ini_get('wx_token.timeout'));
ini_restore('wx_token.timeout');
var_dump(ini_get('wx_token.timeout'), ini_set('wx_token.api_base', 'https://example.com'));
?>
--EXPECTF--
wx_token.accounts                   system
wx_token.accounts_file              system
wx_token.api_base                   system
wx_token.appid                      system
wx_token.background        1        all
wx_token.ca_file                    system
wx_token.connect_timeout   3        all
wx_token.endpoint          stable   perdir
wx_token.file_mode         0600     perdir
wx_token.lock_timeout      10       all
wx_token.log                        system
wx_token.log_level         info     system
wx_token.path_ttl          1        all
wx_token.proxy                      system
wx_token.refresh_ahead     300      all
wx_token.revalidate_freq   0        all
wx_token.secret                     system
wx_token.store                      system
wx_token.store_key                  system
wx_token.store_max_age     60       all
wx_token.store_password             system
wx_token.store_prefix      wx_token: system
wx_token.store_revalidate  25       all
wx_token.store_timeout     0.1      all
wx_token.timeout           8        all
wx_token.write_mode        replace  perdir

Warning: ini_set(): wx_token.timeout must be a number of seconds from 0.001 to 86400; the previous value (8) stays in %s on line %d
bool(false)
string(1) "8"

Warning: ini_set(): wx_token.connect_timeout must be a number of seconds from 0.001 to 86400; the previous value (3) stays in %s on line %d
bool(false)
string(1) "3"

Warning: ini_set(): wx_token.lock_timeout must be a number of seconds from 0 to 86400; the previous value (10) stays in %s on line %d
bool(false)
string(2) "10"
string(1) "8"
string(3) "2.5"
string(1) "8"
bool(false)
