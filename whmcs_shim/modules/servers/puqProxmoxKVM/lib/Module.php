<?php

namespace KvmBridge\Shim;

/**
 * The functions of the server module: each is one signed call, answered in the form WHMCS documents for it.
 */
final class Module
{
    public const SUCCESS = 'success';

    /**
     * Create, suspend, a button of staff …: "success" or one line that says why not.
     *
     * @param mixed    $params what WHMCS passed
     * @param string[] $extra  further scalar parameters that the function needs
     */
    public static function action(string $function, $params, array $extra = []): string
    {
        try {
            $result = Client::configured()->call('/v1/module/' . $function, Params::reduce($params, $extra));
            if (!is_string($result) || $result === '') {
                throw new BridgeError('KVM Bridge gave an answer that cannot be understood.');
            }

            return $result === self::SUCCESS ? $result : Failure::oneLine($result);
        } catch (\Throwable $error) {
            return Failure::text($function, $error, self::subject($params));
        }
    }

    /**
     * The test button of the server form. What is typed there need not be saved yet, so this one call carries the
     * credentials; everywhere else the daemon fetches them itself.
     *
     * @return array{success: bool, error: string}
     */
    public static function testConnection($params): array
    {
        try {
            $reduced = Params::reduce($params, ['serverpassword', 'serveraccesshash']);
            $result = Client::configured()->call('/v1/module/TestConnection', $reduced, 'long_timeout');
            if (!is_array($result) || !isset($result['success']) || !is_bool($result['success'])) {
                throw new BridgeError('KVM Bridge gave an answer that cannot be understood.');
            }
            $error = isset($result['error']) && is_string($result['error']) ? $result['error'] : '';

            return ['success' => $result['success'], 'error' => $result['success'] ? '' : Failure::oneLine($error)];
        } catch (\Throwable $error) {
            return ['success' => false, 'error' => Failure::text('TestConnection', $error)];
        }
    }

    /**
     * The rows of the admin's service page; on failure one row that says why there are none.
     *
     * @return array<string, string>
     */
    public static function tabFields($params): array
    {
        try {
            $result = Client::configured()->call('/v1/module/AdminServicesTabFields', Params::reduce($params));
            if (!is_array($result)) {
                throw new BridgeError('KVM Bridge gave an answer that cannot be understood.');
            }

            return array_map('strval', array_filter($result, 'is_scalar'));
        } catch (\Throwable $error) {
            $text = Failure::text('AdminServicesTabFields', $error, self::subject($params));

            return ['KVM Bridge' => '<span class="text-danger">' . Failure::escape($text) . '</span>'];
        }
    }

    /**
     * WHMCS gives this function no way to report an error; it goes to the module log and, when possible, to staff.
     */
    public static function saveTabFields($params): void
    {
        try {
            $fields = ['fields' => (object) Params::plain(array_intersect_key(
                $_POST,
                ['modulefields' => true, SettingsPanel::FORM_KEY => true]
            ))];
            Client::configured()->call('/v1/module/AdminServicesTabFieldsSave', Params::reduce($params) + $fields);
        } catch (\Throwable $error) {
            Failure::text('AdminServicesTabFieldsSave', $error, self::subject($params));
        }
    }

    /**
     * The "Login to Proxmox" button of the server list. The list draws one per server, so no call is made for it.
     */
    public static function adminLink($params): string
    {
        $params = is_array($params) ? $params : [];
        $host = $params['serverhostname'] ?? '';
        if (!is_string($host) || $host === '') {
            $host = $params['serverip'] ?? '';
        }
        if (!is_string($host) || preg_match('~^[A-Za-z0-9.:_\[\]-]+$~D', $host) !== 1) {
            return '';
        }
        if (substr_count($host, ':') > 1 && $host[0] !== '[') {
            $host = '[' . $host . ']';
        }
        $port = isset($params['serverport']) && is_numeric($params['serverport']) ? (int) $params['serverport'] : 0;
        $url = 'https://' . $host . ':' . ($port > 0 ? $port : 8006) . '/';

        return '<a href="' . Failure::escape($url) . '" class="btn btn-default btn-sm" target="_blank"'
            . ' rel="noopener noreferrer">Login to Proxmox</a>';
    }

    /**
     * The legacy DNS list for dns.php; null when the caller's address may not read it.
     *
     * @return array<int, array<string, string>>|null
     *
     * @throws BridgeError
     */
    public static function dnsRecords(string $caller): ?array
    {
        $result = Client::configured()->call('/v1/module/DnsRecords', ['remote_address' => $caller]);
        if ($result === null) {
            return null;
        }
        if (!is_array($result)) {
            throw new BridgeError('KVM Bridge gave an answer that cannot be understood.');
        }

        return array_values($result);
    }

    private static function subject($params): string
    {
        $id = is_array($params) ? ($params['serviceid'] ?? '') : '';

        return is_scalar($id) && (string) $id !== '' ? 'service ' . (int) $id : '';
    }
}
