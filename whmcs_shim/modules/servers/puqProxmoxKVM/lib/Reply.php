<?php

namespace KvmBridge\Shim;

/**
 * What came back over HTTP, not yet believed. Header names are in lower case.
 */
final class Reply
{
    public int $status = 0;

    /** @var array<string, string> */
    public array $headers = [];

    public string $body = '';

    public function header(string $name): string
    {
        return $this->headers[$name] ?? '';
    }
}
