<?php
/*
 * The functions and exceptions of the extension wx_token, in plain PHP. Where the extension is loaded, this
 * file does nothing.
 */
