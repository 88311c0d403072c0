<?php
// One request of a storm under php-fpm: what worker.php does, once.

require $_GET['variant'];
require __DIR__ . '/measured.php';

time_sleep_until((float) $_GET['moment']);
echo json_encode(measured($_GET['file']));
