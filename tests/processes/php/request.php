<?php
// One request: the token, the state in which the file was found, and whether WeChat's API takes it.
$state = wx_token_status($_GET['file'])['state'];
try {
    $token = wx_get_token($_GET['file']);
    $api = file_get_contents("$_GET[base]/cgi-bin/get_api_domain_ip?access_token=$token");
    echo json_encode(['state' => $state, 'token' => $token, 'valid' => isset(json_decode($api, true)['ip_list'])]);
} catch (Throwable $e) {
    echo json_encode(['state' => $state, 'error' => $e->getMessage()]);
}
