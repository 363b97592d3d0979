<?php

/**
 * Legacy read-only list of forward and reverse names for DNS automations outside WHMCS. Who may read it is decided by
 * the .htaccess beside this file, which denies everybody until an address is allowed, and by the daemon.
 */

use KvmBridge\Shim\Failure;
use KvmBridge\Shim\Module;
use KvmBridge\Shim\Output;

require_once dirname(__DIR__) . '/load.php';

if (($_SERVER['REQUEST_METHOD'] ?? '') !== 'GET') {
    header('Allow: GET');
    Output::json(['error' => 'Only GET is allowed.'], 405);
}
try {
    $records = Module::dnsRecords((string) ($_SERVER['REMOTE_ADDR'] ?? ''));
    if ($records === null) {
        Output::json(['error' => 'This address may not read the list.'], 403);
    }
    Output::json($records);
} catch (\Throwable $error) {
    Failure::text('dns.php', $error);
    Output::json(['error' => 'The list is not available.'], 503);
}
