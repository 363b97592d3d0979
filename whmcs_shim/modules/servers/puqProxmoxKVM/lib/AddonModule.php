<?php

namespace KvmBridge\Shim;

/**
 * The functions of the addon module: its pages and its life cycle, each one signed call.
 */
final class AddonModule
{
    /**
     * @return array<string, mixed>
     */
    public static function config(): array
    {
        return [
            'name' => 'PUQ Proxmox KVM',
            'description' => 'IP Pool and DNS Zone management for puqProxmoxKVM server module',
            'version' => Version::NUMBER,
            'author' => 'KVM Bridge',
            'language' => 'english',
            'fields' => [
                'license_key' => [
                    'FriendlyName' => 'License key',
                    'Type' => 'text',
                    'Size' => '60',
                    'Default' => '',
                    'Description' => 'Used by products that have no license key of their own.',
                ],
            ],
        ];
    }

    /**
     * Activation and deactivation.
     *
     * @return array{status: string, description: string}
     */
    public static function lifeCycle(string $function): array
    {
        try {
            $result = Client::configured()->call('/v1/addon/' . $function, [], 'long_timeout');
            if (!is_array($result) || !isset($result['status']) || !is_string($result['status'])) {
                throw new BridgeError('KVM Bridge gave an answer that cannot be understood.');
            }
            $text = isset($result['description']) && is_string($result['description']) ? $result['description'] : '';

            return ['status' => $result['status'], 'description' => $text === '' ? '' : Failure::oneLine($text)];
        } catch (\Throwable $error) {
            return ['status' => 'error', 'description' => Failure::text($function, $error)];
        }
    }

    public static function upgrade($vars): void
    {
        try {
            Client::configured()->call('/v1/addon/upgrade', self::reduce($vars), 'long_timeout');
        } catch (\Throwable $error) {
            Failure::text('upgrade', $error);
        }
    }

    /**
     * The HTML of the page that the request asks for with `page`. Two kinds of request end here instead of returning:
     * `ajax` prints JSON, `fragment` prints the HTML alone.
     */
    public static function output($vars): string
    {
        if (isset($_REQUEST['ajax'])) {
            self::api($vars);
        }
        try {
            $html = self::html('output', $vars);
        } catch (\Throwable $error) {
            $html = '<div class="errorbox">' . Failure::escape(Failure::text('output', $error)) . '</div>';
        }
        if (isset($_REQUEST['fragment'])) {
            Output::html($html);
        }

        return $html;
    }

    public static function sidebar($vars): string
    {
        try {
            return self::html('sidebar', $vars);
        } catch (\Throwable $error) {
            Failure::text('sidebar', $error);

            return '';
        }
    }

    /**
     * @return never
     */
    private static function api($vars): void
    {
        try {
            $answer = ['result' => Client::configured()->call('/v1/addon/api', self::reduce($vars))];
        } catch (\Throwable $error) {
            $answer = ['error' => Failure::text('api', $error)];
        }
        Output::json($answer);
    }

    private static function html(string $function, $vars): string
    {
        $result = Client::configured()->call('/v1/addon/' . $function, self::reduce($vars));
        if (!is_string($result)) {
            throw new BridgeError('KVM Bridge gave an answer that cannot be understood.');
        }

        return $result;
    }

    private static function reduce($vars): array
    {
        $vars = is_array($vars) ? $vars : [];

        return Params::pick($vars, ['modulelink', 'version']) + ['request' => Params::request()];
    }
}
