<?php

/**
 * Addon module "PUQ Proxmox KVM": only the functions that WHMCS calls. The classes are those of the server module,
 * which belongs to the same product.
 */

use KvmBridge\Shim\AddonModule;

if (!defined('WHMCS')) {
    exit('This file cannot be accessed directly');
}

require_once __DIR__ . '/shim.php';

function puq_proxmox_kvm_config()
{
    return AddonModule::config();
}

function puq_proxmox_kvm_activate()
{
    return AddonModule::lifeCycle('activate');
}

function puq_proxmox_kvm_deactivate()
{
    return AddonModule::lifeCycle('deactivate');
}

function puq_proxmox_kvm_upgrade($vars = [])
{
    AddonModule::upgrade($vars);
}

function puq_proxmox_kvm_output($vars = [])
{
    echo AddonModule::output($vars);
}

function puq_proxmox_kvm_sidebar($vars = [])
{
    return AddonModule::sidebar($vars);
}
