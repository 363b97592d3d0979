<?php

/**
 * Server module "PUQ Proxmox KVM": only the functions that WHMCS calls. Each is one signed call to the KVM Bridge
 * daemon; the work is in lib/, the decisions are in the daemon.
 */

use KvmBridge\Shim\Buttons;
use KvmBridge\Shim\ClientPages;
use KvmBridge\Shim\MetricProvider;
use KvmBridge\Shim\Module;
use KvmBridge\Shim\SettingsPanel;

if (!defined('WHMCS')) {
    exit('This file cannot be accessed directly');
}

require_once __DIR__ . '/lib/load.php';

function puqProxmoxKVM_MetaData()
{
    return [
        'DisplayName' => 'PUQ Proxmox KVM',
        'APIVersion' => '1.1',
        'RequiresServer' => true,
        'DefaultNonSSLPort' => '8006',
        'DefaultSSLPort' => '8006',
        'ListAccountsUniqueIdentifierDisplayName' => 'Domain',
        'ListAccountsUniqueIdentifierField' => 'domain',
    ];
}

function puqProxmoxKVM_ConfigOptions($params = [])
{
    return SettingsPanel::configOptions();
}

function puqProxmoxKVM_CreateAccount($params = [])
{
    return Module::action('CreateAccount', $params);
}

function puqProxmoxKVM_SuspendAccount($params = [])
{
    return Module::action('SuspendAccount', $params);
}

function puqProxmoxKVM_UnsuspendAccount($params = [])
{
    return Module::action('UnsuspendAccount', $params);
}

function puqProxmoxKVM_TerminateAccount($params = [])
{
    return Module::action('TerminateAccount', $params);
}

function puqProxmoxKVM_ChangePackage($params = [])
{
    return Module::action('ChangePackage', $params);
}

function puqProxmoxKVM_ChangePassword($params = [])
{
    return Module::action('ChangePassword', $params, ['password']);
}

function puqProxmoxKVM_TestConnection($params = [])
{
    return Module::testConnection($params);
}

function puqProxmoxKVM_AdminCustomButtonArray($params = [])
{
    return Buttons::admin();
}

function puqProxmoxKVM_ClientAreaCustomButtonArray($params = [])
{
    return [];
}

function puqProxmoxKVM_ClientAreaAllowedFunctions($params = [])
{
    return Buttons::clientFunctions();
}

function puqProxmoxKVM_AdminServicesTabFields($params = [])
{
    return Module::tabFields($params);
}

function puqProxmoxKVM_AdminServicesTabFieldsSave($params = [])
{
    Module::saveTabFields($params);
}

function puqProxmoxKVM_AdminLink($params = [])
{
    return Module::adminLink($params);
}

function puqProxmoxKVM_ClientArea($params = [])
{
    return ClientPages::render($params);
}

function puqProxmoxKVM_ClientApi($params = [])
{
    ClientPages::api($params);
}

function puqProxmoxKVM_MetricProvider($params = [])
{
    require_once __DIR__ . '/lib/MetricProvider.php';

    return new MetricProvider(is_array($params) ? $params : []);
}

function puqProxmoxKVM_VMStart($params = [])
{
    return Module::action('VMStart', $params);
}

function puqProxmoxKVM_VMStop($params = [])
{
    return Module::action('VMStop', $params);
}

function puqProxmoxKVM_VMReinstall($params = [])
{
    return Module::action('VMReinstall', $params);
}

function puqProxmoxKVM_VMSetDedicatedIp($params = [])
{
    return Module::action('VMSetDedicatedIp', $params);
}

function puqProxmoxKVM_VMClone($params = [])
{
    return Module::action('VMClone', $params);
}

function puqProxmoxKVM_VMSetCpuRam($params = [])
{
    return Module::action('VMSetCpuRam', $params);
}

function puqProxmoxKVM_VMSetSystemDiskSize($params = [])
{
    return Module::action('VMSetSystemDiskSize', $params);
}

function puqProxmoxKVM_VMSetSystemDiskBandwidth($params = [])
{
    return Module::action('VMSetSystemDiskBandwidth', $params);
}

function puqProxmoxKVM_VMSetCreatedAdditionalDisk($params = [])
{
    return Module::action('VMSetCreatedAdditionalDisk', $params);
}

function puqProxmoxKVM_VMSetAdditionalDiskSize($params = [])
{
    return Module::action('VMSetAdditionalDiskSize', $params);
}

function puqProxmoxKVM_VMSetAdditionalDiskBandwidth($params = [])
{
    return Module::action('VMSetAdditionalDiskBandwidth', $params);
}

function puqProxmoxKVM_VMSetNetwork($params = [])
{
    return Module::action('VMSetNetwork', $params);
}

function puqProxmoxKVM_VMSetFirewall($params = [])
{
    return Module::action('VMSetFirewall', $params);
}

function puqProxmoxKVM_VMSetCloudinit($params = [])
{
    return Module::action('VMSetCloudinit', $params);
}

function puqProxmoxKVM_VMRemove($params = [])
{
    return Module::action('VMRemove', $params);
}

function puqProxmoxKVM_VMSetDNSRecords($params = [])
{
    return Module::action('VMSetDNSRecords', $params);
}
