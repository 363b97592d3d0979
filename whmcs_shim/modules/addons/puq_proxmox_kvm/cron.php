<?php

/**
 * Standalone cron: asks the daemon for a run and prints its lines as they come. Arguments are passed through; --help
 * lists them. Exit codes: those of the daemon (0 run finished, 1 unknown option or task), 2 when it cannot be asked.
 */

use KvmBridge\Shim\CronRun;

if (PHP_SAPI !== 'cli') {
    http_response_code(403);
    exit;
}

require_once __DIR__ . '/shim.php';

exit(CronRun::fromCommandLine(array_slice($argv ?? [], 1)));
