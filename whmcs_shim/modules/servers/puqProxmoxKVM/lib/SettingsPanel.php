<?php

namespace KvmBridge\Shim;

/**
 * The host element of the product settings in the Module Settings tab. The daemon draws what goes inside.
 *
 * It sits in the description of the licence key: a field of its own would take over configoption2, which products that
 * were set up under the old module still use.
 */
final class SettingsPanel
{
    /**
     * Every input of the panel is posted below this name, which also tells our saves from those of other modules.
     */
    public const FORM_KEY = 'puq_proxmox_kvm';

    /**
     * @return array<string, array<string, mixed>>
     */
    public static function configOptions(): array
    {
        return [
            'license_key' => [
                'FriendlyName' => 'License key',
                'Type' => 'text',
                'Size' => '60',
                'Default' => '',
                'Description' => self::host(),
                'SimpleMode' => true,
            ],
        ];
    }

    /**
     * WHMCS inserts this fragment after the page has loaded, so the script runs at once and waits for nothing.
     */
    private static function host(): string
    {
        return <<<'HTML'
<div id="puq-proxmox-kvm-settings" class="puq-proxmox-kvm">
The settings are shown here once KVM Bridge has sent them.
</div>
<script>
(function () {
    var host = document.getElementById('puq-proxmox-kvm-settings');
    var product = new URLSearchParams(window.location.search).get('id') || '0';
    if (host && window.jQuery) {
        window.jQuery(host).load('addonmodules.php?' + window.jQuery.param({
            module: 'puq_proxmox_kvm', page: 'product_settings', fragment: 1, product: product
        }));
    }
}());
</script>
HTML;
    }
}
