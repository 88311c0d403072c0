<?php

/** An argument has the right type and a bad value, as since PHP 8. */
class ValueError extends Error
{
}
