<?php

/**
 * WHMCS loads this file on every page: nothing but cheap filters happens here, and the classes are loaded only when a
 * filter has let something through. The hooks are those of the addon, so they start to work when it is activated.
 */

use KvmBridge\Shim\Hooks;

if (!defined('WHMCS')) {
    exit('This file cannot be accessed directly');
}

// The classes lie in the server module's folder; without it a page must still work.
if (!is_file(dirname(__DIR__, 2) . '/servers/puqProxmoxKVM/lib/load.php')) {
    return;
}

add_hook('AfterCronJob', 1, static function () {
    require_once __DIR__ . '/shim.php';
    Hooks::afterCron();
});

add_hook('AdminProductConfigFieldsSave', 1, static function ($vars = []) {
    $product = is_array($vars) && isset($vars['pid']) ? (int) $vars['pid'] : 0;
    if ($product > 0 && isset($_POST['puq_proxmox_kvm']) && is_array($_POST['puq_proxmox_kvm'])) {
        require_once __DIR__ . '/shim.php';
        Hooks::saveProduct($product);
    }
});

foreach (
    [
        'ServiceDelete' => 'serviceid',
        'ProductDelete' => 'pid',
        'ServerEdit' => 'serverid',
        'ServerDelete' => 'serverid',
    ] as $puqProxmoxKvmHook => $puqProxmoxKvmKey
) {
    add_hook($puqProxmoxKvmHook, 1, static function ($vars = []) use ($puqProxmoxKvmHook, $puqProxmoxKvmKey) {
        $id = is_array($vars) && isset($vars[$puqProxmoxKvmKey]) ? (int) $vars[$puqProxmoxKvmKey] : 0;
        if ($id > 0) {
            require_once __DIR__ . '/shim.php';
            Hooks::tell($puqProxmoxKvmHook, [$puqProxmoxKvmKey => $id]);
        }
    });
}
unset($puqProxmoxKvmHook, $puqProxmoxKvmKey);

add_hook('ClientAreaPageUpgrade', 1, static function ($vars = []) {
    if (!is_array($vars) || ($vars['type'] ?? '') !== 'configoptions') {
        return [];
    }
    require_once __DIR__ . '/shim.php';

    return Hooks::upgradePage($vars);
});

add_hook('ClientAreaFooterOutput', 1, static function ($vars = []) {
    $page = is_array($vars) ? ($vars['filename'] ?? '') : '';
    $upgrade = $page === 'upgrade' || ($page === 'clientarea' && ($_GET['action'] ?? '') === 'upgrade');
    if (!$upgrade || ($vars['type'] ?? $_REQUEST['type'] ?? '') !== 'configoptions') {
        return '';
    }
    require_once __DIR__ . '/shim.php';

    return Hooks::upgradeFooter($vars);
});

add_hook('ShoppingCartValidateUpgrade', 1, static function ($vars = []) {
    if (!is_array($vars) || (int) ($vars['id'] ?? 0) <= 0) {
        return [];
    }
    require_once __DIR__ . '/shim.php';

    return Hooks::validateUpgrade($vars);
});

add_hook('ClientAreaPrimarySidebar', 1, static function ($sidebar = null) {
    $service = isset($_GET['id']) && is_numeric($_GET['id']) ? (int) $_GET['id'] : 0;
    if ($service > 0 && ($_GET['action'] ?? '') === 'productdetails' && is_object($sidebar)) {
        require_once __DIR__ . '/shim.php';
        Hooks::sidebar($sidebar, $service);
    }
});
