<?php
// One request of a site that needs a token; without one it fails.

require getenv('GETTOKEN');

try {
    $token = getToken(getenv('TOKEN_FILE'));
} catch (Throwable) {
    $token = null;
}
if (!is_string($token)) {
    http_response_code(500);
}
echo $token;
