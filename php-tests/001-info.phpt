--TEST--
The extension shows its support, version and settings
--EXTENSIONS--
wx_token
--FILE--
<?php
$extension = new ReflectionExtension('wx_token');
$extension->info();
var_dump($extension->getVersion() === phpversion('wx_token'));
?>
--EXPECTF--
wx_token

wx_token support => enabled
Version => %d.%d.%d

Directive => Local Value => Master Value
%Awx_token.timeout => 8 => 8
%A
bool(true)
