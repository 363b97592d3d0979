<?php

namespace KvmBridge\Shim;

/**
 * Takes a streamed answer apart: lines of text, keep-alive records, and the signed end record.
 *
 * A record is a line that begins with the control character RS (0x1e), which no text line contains.
 */
final class StreamReader
{
    private const RECORD = "\x1e";

    private const LINE_LIMIT = 65536;

    private Signature $signature;

    private string $nonce;

    /** @var callable */
    private $onLine;

    /** @var \HashContext|resource */
    private $hash;

    private string $pending = '';

    private string $plain = '';

    private bool $started = false;

    private ?int $exitCode = null;

    private string $problem = '';

    public function __construct(Signature $signature, string $nonce, callable $onLine)
    {
        $this->signature = $signature;
        $this->nonce = $nonce;
        $this->onLine = $onLine;
        $this->hash = hash_init('sha256');
    }

    /**
     * One piece as it came from the network; false when the rest is not worth reading.
     */
    public function take(Reply $reply, string $chunk): bool
    {
        if (!$this->started) {
            $expected = $this->signature->ofStreamStart($reply->status, $this->nonce);
            if (!hash_equals($expected, $reply->header('x-kvm-bridge-signature'))) {
                $this->plain .= $chunk;

                return strlen($this->plain) <= self::LINE_LIMIT;
            }
            $this->started = true;
        }
        $this->pending .= $chunk;
        while ($this->problem === '' && ($end = strpos($this->pending, "\n")) !== false) {
            $line = substr($this->pending, 0, $end);
            $this->pending = (string) substr($this->pending, $end + 1);
            $this->line($line);
        }
        if (strlen($this->pending) > self::LINE_LIMIT) {
            $this->problem = 'KVM Bridge sent a line that is too long.';
        }

        return $this->problem === '';
    }

    /**
     * Whether the answer was a stream at all; if not, plainBody() is an ordinary answer.
     */
    public function started(): bool
    {
        return $this->started;
    }

    public function plainBody(): string
    {
        return $this->plain;
    }

    /**
     * @throws BridgeError when the stream broke off or was not the daemon's
     */
    public function exitCode(): int
    {
        if ($this->problem !== '') {
            throw new BridgeError($this->problem);
        }
        if ($this->exitCode === null) {
            throw new BridgeError('The connection to KVM Bridge ended in the middle of the run.');
        }

        return $this->exitCode;
    }

    private function line(string $line): void
    {
        if (preg_match('~^' . self::RECORD . 'end ([0-9]{1,3}) ([0-9a-f]{64})$~D', $line, $match) === 1) {
            $this->finish((int) $match[1], $match[2]);

            return;
        }
        hash_update($this->hash, $line . "\n");
        if ($this->exitCode !== null) {
            $this->problem = 'KVM Bridge sent lines after the end of the run.';
        } elseif (strncmp($line, self::RECORD, 1) !== 0) {
            ($this->onLine)($line);
        }
    }

    private function finish(int $exitCode, string $signature): void
    {
        $digest = hash_final(hash_copy($this->hash));
        if (hash_equals($this->signature->ofStreamEnd($this->nonce, $exitCode, $digest), $signature)) {
            $this->exitCode = $exitCode;
        } else {
            $this->problem = 'The lines of this run are not signed with our secret; do not trust them.';
        }
    }
}
