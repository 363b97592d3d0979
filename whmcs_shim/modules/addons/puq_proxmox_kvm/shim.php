<?php

/**
 * Finds the classes that both modules share; they lie in the server module's folder.
 */

require_once dirname(__DIR__, 2) . '/servers/puqProxmoxKVM/lib/load.php';
