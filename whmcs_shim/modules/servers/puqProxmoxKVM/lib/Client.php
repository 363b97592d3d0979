<?php

namespace KvmBridge\Shim;

/**
 * Signed calls to the daemon: what goes out is signed, what comes back is believed only when its signature fits.
 */
final class Client
{
    private Config $config;

    private Transport $transport;

    private Signature $signature;

    public function __construct(Config $config)
    {
        $this->config = $config;
        $this->transport = new Transport($config);
        $this->signature = new Signature($config->secret());
    }

    /**
     * @throws BridgeError when the configuration is missing or unusable
     */
    public static function configured(): self
    {
        return new self(Config::load(dirname(__DIR__) . '/config.php'));
    }

    /**
     * One call; $patience names the timeout of the configuration to use.
     *
     * @return mixed the daemon's "result", exactly as it sent it
     *
     * @throws BridgeError
     */
    public function call(string $path, array $params, string $patience = 'timeout')
    {
        $body = $this->encode($params);
        $nonce = bin2hex(random_bytes(16));
        $seconds = $this->config->number($patience);
        $reply = $this->transport->post($path, $this->headers($path, $nonce, $body), $body, $seconds);
        $expected = $this->signature->ofResponse($reply->status, $nonce, $reply->body);
        if (!hash_equals($expected, $reply->header('x-kvm-bridge-signature'))) {
            throw new BridgeError(self::unbelievable($reply));
        }

        return self::decode($reply->body);
    }

    /**
     * A call whose answer is lines of text, handed to $onLine as they come.
     *
     * @param callable(string): void $onLine
     *
     * @return int the exit code that the daemon gave the run
     *
     * @throws BridgeError also when the stream ends early or its closing signature is wrong
     */
    public function stream(string $path, array $params, callable $onLine): int
    {
        $body = $this->encode($params);
        $nonce = bin2hex(random_bytes(16));
        $reader = new StreamReader($this->signature, $nonce, $onLine);
        $reply = $this->transport->stream(
            $path,
            $this->headers($path, $nonce, $body),
            $body,
            static function (Reply $reply, string $chunk) use ($reader): bool {
                return $reader->take($reply, $chunk);
            }
        );
        if ($reader->started()) {
            return $reader->exitCode();
        }
        $expected = $this->signature->ofResponse($reply->status, $nonce, $reader->plainBody());
        if (!hash_equals($expected, $reply->header('x-kvm-bridge-signature'))) {
            throw new BridgeError(self::unbelievable($reply));
        }
        self::decode($reader->plainBody());

        throw new BridgeError('KVM Bridge gave an answer that cannot be understood.');
    }

    private function headers(string $path, string $nonce, string $body): array
    {
        $timestamp = (string) time();

        return [
            'X-KVM-Bridge-Timestamp' => $timestamp,
            'X-KVM-Bridge-Nonce' => $nonce,
            'X-KVM-Bridge-Signature' => $this->signature->ofRequest('POST', $path, $timestamp, $nonce, $body),
        ];
    }

    private function encode(array $params): string
    {
        $message = ['params' => (object) $params, 'actor' => Actor::current(), 'language' => Actor::language()];
        $body = json_encode($message, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE);
        if ($body === false) {
            throw new BridgeError('The parameters of this call cannot be written as JSON.');
        }
        if (strlen($body) > $this->config->number('max_request_bytes')) {
            throw new BridgeError('The parameters of this call are too large for KVM Bridge.');
        }

        return $body;
    }

    private static function decode(string $body)
    {
        $answer = json_decode($body, true, 64);
        if (is_array($answer) && isset($answer['error']) && is_string($answer['error'])) {
            throw new Refusal(Failure::oneLine($answer['error']));
        }
        if (!is_array($answer) || !array_key_exists('result', $answer)) {
            throw new BridgeError('KVM Bridge gave an answer that cannot be understood.');
        }

        return $answer['result'];
    }

    private static function unbelievable(Reply $reply): string
    {
        if ($reply->header('x-kvm-bridge-signature') === '') {
            return 'Something other than KVM Bridge answered at its address.';
        }

        return 'The answer of KVM Bridge is not signed with our secret: run "kvm-bridge install-shim" again.';
    }
}
