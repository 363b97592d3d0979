<?php

namespace KvmBridge\Shim;

/**
 * Where the daemon listens and the secret shared with it, as `kvm-bridge install-shim` wrote them into config.php.
 */
final class Config
{
    private const DEFAULTS = [
        'url' => '',
        'secret' => '',
        'ca_file' => '',
        'connect_timeout' => 2,
        'timeout' => 10,
        'hook_timeout' => 3,
        'long_timeout' => 60,
        'stream_idle_timeout' => 900,
        'max_request_bytes' => 1048576,
        'max_response_bytes' => 8388608,
    ];

    private array $values;

    private function __construct(array $values)
    {
        $this->values = $values;
    }

    /**
     * @throws BridgeError when the file is missing, unreadable or incomplete
     */
    public static function load(string $file): self
    {
        if (!is_file($file)) {
            throw new BridgeError('KVM Bridge is not configured: run "kvm-bridge install-shim" on this WHMCS.');
        }
        if (!is_readable($file)) {
            throw new BridgeError('The configuration of KVM Bridge cannot be read by the web server\'s user.');
        }
        $values = include $file;
        if (!is_array($values)) {
            throw new BridgeError('The configuration of KVM Bridge is damaged: run "kvm-bridge install-shim" again.');
        }
        $known = array_intersect_key($values, self::DEFAULTS) + self::DEFAULTS;
        if (!is_string($known['secret']) || strlen($known['secret']) < 8) {
            throw new BridgeError('The configuration of KVM Bridge holds no usable secret.');
        }
        if (!is_string($known['url']) || preg_match('~^(https?://[^/\s]+/?|unix:/\S.*)$~D', $known['url']) !== 1) {
            throw new BridgeError('The configuration of KVM Bridge holds no usable address of the daemon.');
        }

        return new self($known);
    }

    public function secret(): string
    {
        return $this->values['secret'];
    }

    /**
     * Path of the unix socket, or an empty string when the daemon listens on TCP.
     */
    public function socket(): string
    {
        return strncmp($this->values['url'], 'unix:', 5) === 0 ? substr($this->values['url'], 5) : '';
    }

    public function baseUrl(): string
    {
        return $this->socket() !== '' ? 'http://localhost' : rtrim($this->values['url'], '/');
    }

    public function caFile(): string
    {
        return (string) $this->values['ca_file'];
    }

    /**
     * A number of the configuration: seconds for the timeouts, bytes for the limits; at least 1.
     */
    public function number(string $name): int
    {
        $value = $this->values[$name] ?? 0;

        return max(1, is_numeric($value) ? (int) $value : (int) self::DEFAULTS[$name]);
    }
}
