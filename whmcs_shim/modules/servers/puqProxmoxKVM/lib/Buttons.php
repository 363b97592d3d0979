<?php

namespace KvmBridge\Shim;

/**
 * The module commands of the admin's service page.
 *
 * The list is fixed here instead of asked for: WHMCS wants it on every view of every service page, where it must cost
 * nothing and must not depend on the daemon. What a button may do right now is decided when it is pressed.
 */
final class Buttons
{
    /**
     * "*" may run while the VM runs, "**" only while it is stopped, "->" is also a step of the deploy pipeline.
     *
     * @return array<string, string> label => function name without the module's prefix
     */
    public static function admin(): array
    {
        return [
            'Start' => 'VMStart',
            'Stop' => 'VMStop',
            '**Reinstall' => 'VMReinstall',
            'VMSetDedicatedIp ->' => 'VMSetDedicatedIp',
            'VMClone ->' => 'VMClone',
            '**Set CPU RAM ->' => 'VMSetCpuRam',
            '*Set System Disk Size ->' => 'VMSetSystemDiskSize',
            '*Set System Disk Bandwidth ->' => 'VMSetSystemDiskBandwidth',
            '*Set Created Additional Disk ->' => 'VMSetCreatedAdditionalDisk',
            '*Set Additional Disk Size ->' => 'VMSetAdditionalDiskSize',
            '*Set Additional Disk Bandwidth ->' => 'VMSetAdditionalDiskBandwidth',
            '*Set Network ->' => 'VMSetNetwork',
            '*Set Firewall ->' => 'VMSetFirewall',
            '**SetCloudinit' => 'VMSetCloudinit',
            '**VMRemove' => 'VMRemove',
            'Set DNS records' => 'VMSetDNSRecords',
        ];
    }

    /**
     * Functions that the client area may call without a button; valid as a list and as a map.
     *
     * @return array<string, string>
     */
    public static function clientFunctions(): array
    {
        return ['ClientApi' => 'ClientApi'];
    }
}
