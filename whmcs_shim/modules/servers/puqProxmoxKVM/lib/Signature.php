<?php

namespace KvmBridge\Shim;

/**
 * The signatures of the module protocol (docs/protocol.md); bridge/protocol/signing.py is the other half.
 */
final class Signature
{
    private string $secret;

    public function __construct(string $secret)
    {
        $this->secret = $secret;
    }

    public function ofRequest(string $method, string $path, string $timestamp, string $nonce, string $body): string
    {
        return $this->sign(['kvm-bridge-request-v1', $method, $path, $timestamp, $nonce, hash('sha256', $body)]);
    }

    public function ofResponse(int $status, string $nonce, string $body): string
    {
        return $this->sign(['kvm-bridge-response-v1', (string) $status, $nonce, hash('sha256', $body)]);
    }

    public function ofStreamStart(int $status, string $nonce): string
    {
        return $this->sign(['kvm-bridge-stream-v1', (string) $status, $nonce]);
    }

    /**
     * @param string $digest SHA-256 in hexadecimal of every byte of the stream before its end record
     */
    public function ofStreamEnd(string $nonce, int $exitCode, string $digest): string
    {
        return $this->sign(['kvm-bridge-stream-end-v1', $nonce, (string) $exitCode, $digest]);
    }

    private function sign(array $parts): string
    {
        return hash_hmac('sha256', implode("\n", $parts), $this->secret);
    }
}
