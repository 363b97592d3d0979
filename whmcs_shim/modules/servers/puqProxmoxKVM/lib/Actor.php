<?php

namespace KvmBridge\Shim;

/**
 * Who makes the call, as far as WHMCS's session tells. Calls of cron jobs and of the API have no session.
 */
final class Actor
{
    /**
     * @return array{type: string, id: int|null, admin: int|null, session: string}
     */
    public static function current(): array
    {
        $admin = self::positive($_SESSION['adminid'] ?? 0);
        $client = self::positive($_SESSION['uid'] ?? 0);
        if ($admin !== null && (defined('ADMINAREA') || $client === null)) {
            $type = 'admin';
        } else {
            $type = $client !== null ? 'client' : 'system';
        }

        return [
            'type' => $type,
            'id' => $type === 'admin' ? $admin : $client,
            'admin' => $admin,
            'session' => self::session(),
        ];
    }

    public static function isClient(): bool
    {
        return self::current()['type'] === 'client';
    }

    /**
     * The language of whoever looks at the page, as WHMCS spells it ("english"); empty when unknown.
     */
    public static function language(): string
    {
        $key = self::current()['type'] === 'admin' ? 'adminlang' : 'Language';
        $language = $_SESSION[$key] ?? '';

        return is_string($language) ? substr($language, 0, 64) : '';
    }

    /**
     * A fingerprint of the login session for the daemon's form tokens; the session id itself stays here.
     */
    private static function session(): string
    {
        $id = session_id();

        return is_string($id) && $id !== '' ? hash('sha256', 'kvm-bridge-session|' . $id) : '';
    }

    private static function positive($value): ?int
    {
        return is_numeric($value) && (int) $value > 0 ? (int) $value : null;
    }
}
