<?php

/**
 * Two kinds of request for PHP's built-in web server. `/order` is WHMCS calling CreateAccount of the shim; `/row` is what any
 * PHP page pays for one committed row. The environment names the WHMCS tree, the stand-in for WHMCS, and the database.
 */

if ($_SERVER['REQUEST_URI'] === '/order') {
    require getenv('BENCH_STANDIN');
    require getenv('BENCH_TREE') . '/modules/servers/puqProxmoxKVM/puqProxmoxKVM.php';
    echo puqProxmoxKVM_CreateAccount(json_decode(file_get_contents('php://input'), true));
} else {
    $options = [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION];
    $database = new PDO(getenv('BENCH_DSN'), getenv('BENCH_USER'), getenv('BENCH_PASSWORD'), $options);
    $database->beginTransaction();
    $database->prepare('INSERT INTO bench_row (text) VALUES (?)')->execute(['one row']);
    $database->commit();
    echo 'success';
}
