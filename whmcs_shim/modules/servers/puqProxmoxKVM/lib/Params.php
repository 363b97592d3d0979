<?php

namespace KvmBridge\Shim;

/**
 * What of WHMCS's module parameters leaves this host: a fixed list of plain values.
 *
 * Product settings (configoption1 to 24), passwords and access hashes stay out: the daemon reads the ones it needs at
 * the moment it needs them. Objects never leave.
 */
final class Params
{
    private const SCALARS = [
        'serviceid', 'accountid', 'addonId', 'userid', 'domain', 'username', 'packageid', 'pid', 'serverid', 'status',
        'qty', 'type', 'producttype', 'moduletype', 'server', 'serverip', 'serverhostname', 'serverport',
        'serversecure', 'serverhttpprefix', 'serverusername', 'whmcsVersion', 'action', 'suspendreason',
    ];

    private const CLIENT = [
        'id', 'userid', 'client_id', 'uuid', 'firstname', 'lastname', 'fullname', 'companyname', 'email', 'language',
    ];

    private const DEPTH = 5;

    /**
     * @param mixed    $params what WHMCS passed
     * @param string[] $extra  further scalar keys that this one function needs
     */
    public static function reduce($params, array $extra = []): array
    {
        $params = is_array($params) ? $params : [];
        $reduced = self::pick($params, array_merge(self::SCALARS, $extra));
        foreach (['configoptions', 'customfields'] as $key) {
            if (isset($params[$key]) && is_array($params[$key])) {
                $reduced[$key] = (object) self::plain($params[$key], 1);
            }
        }
        if (isset($params['clientsdetails']) && is_array($params['clientsdetails'])) {
            $reduced['clientsdetails'] = (object) self::pick($params['clientsdetails'], self::CLIENT);
        }

        return $reduced;
    }

    /**
     * The named scalar values of an array.
     *
     * @param string[] $keys
     */
    public static function pick(array $values, array $keys): array
    {
        return array_filter(array_intersect_key($values, array_flip($keys)), 'is_scalar');
    }

    /**
     * Scalars and arrays of them, nothing else, as deep as forms go.
     */
    public static function plain(array $values, int $depth = self::DEPTH): array
    {
        $plain = [];
        foreach ($values as $key => $value) {
            if (is_scalar($value)) {
                $plain[$key] = $value;
            } elseif (is_array($value) && $depth > 1) {
                $plain[$key] = self::plain($value, $depth - 1);
            }
        }

        return $plain;
    }

    /**
     * The browser's request, for pages and forms: method, query and posted fields without WHMCS's own token.
     */
    public static function request(): array
    {
        $method = $_SERVER['REQUEST_METHOD'] ?? '';

        return [
            'method' => is_string($method) ? $method : '',
            'query' => (object) self::plain(array_diff_key($_GET, ['token' => true])),
            'fields' => (object) self::plain(array_diff_key($_POST, ['token' => true])),
        ];
    }
}
