<?php

namespace KvmBridge\Shim;

/**
 * One POST to the daemon over HTTP, HTTPS or a unix socket; every failure becomes one BridgeError with one line.
 */
final class Transport
{
    private Config $config;

    /**
     * @throws BridgeError when PHP lacks curl
     */
    public function __construct(Config $config)
    {
        if (!function_exists('curl_init')) {
            throw new BridgeError('The PHP extension curl is missing; KVM Bridge needs it.');
        }
        $this->config = $config;
    }

    /**
     * The whole answer, read within $timeout seconds.
     *
     * @param array<string, string> $headers
     */
    public function post(string $path, array $headers, string $body, int $timeout): Reply
    {
        $reply = new Reply();
        $limit = $this->config->number('max_response_bytes');
        $tooLarge = false;
        $sink = static function ($handle, string $chunk) use ($reply, $limit, &$tooLarge): int {
            $tooLarge = $tooLarge || strlen($reply->body) + strlen($chunk) > $limit;
            if ($tooLarge) {
                return -1;
            }
            $reply->body .= $chunk;

            return strlen($chunk);
        };
        $errno = $this->run($path, $headers, $body, $reply, [
            CURLOPT_TIMEOUT => $timeout,
            CURLOPT_WRITEFUNCTION => $sink,
        ]);
        if ($tooLarge) {
            throw new BridgeError('KVM Bridge gave an answer that is too large.');
        }
        // A daemon that refuses a large body early may close while we still send; its signed answer is then complete.
        if ($errno !== 0 && !($errno === CURLE_SEND_ERROR && $reply->body !== '')) {
            throw new BridgeError($this->explain($errno, $timeout));
        }

        return $reply;
    }

    /**
     * An answer that is handed on piece by piece while it arrives. There is no limit on the whole, only on silence.
     *
     * @param array<string, string>         $headers
     * @param callable(Reply, string): bool $onChunk called for each piece; false stops the reading
     */
    public function stream(string $path, array $headers, string $body, callable $onChunk): Reply
    {
        $reply = new Reply();
        $idle = $this->config->number('stream_idle_timeout');
        $sink = static function ($handle, string $chunk) use ($reply, $onChunk): int {
            return $onChunk($reply, $chunk) ? strlen($chunk) : -1;
        };
        $errno = $this->run($path, $headers, $body, $reply, [
            CURLOPT_LOW_SPEED_LIMIT => 1,
            CURLOPT_LOW_SPEED_TIME => $idle,
            CURLOPT_WRITEFUNCTION => $sink,
        ]);
        // CURLE_WRITE_ERROR: the reader stopped by itself and knows why.
        if ($errno !== 0 && $errno !== CURLE_WRITE_ERROR) {
            throw new BridgeError($this->explain($errno, $idle));
        }

        return $reply;
    }

    private function run(string $path, array $headers, string $body, Reply $reply, array $options): int
    {
        $handle = curl_init($this->config->baseUrl() . $path);
        if ($handle === false) {
            throw new BridgeError('The PHP extension curl cannot be used.');
        }
        curl_setopt_array($handle, $options + $this->options($headers, $body, $reply));
        curl_exec($handle);

        return curl_errno($handle);
    }

    private function options(array $headers, string $body, Reply $reply): array
    {
        $lines = ['Content-Type: application/json', 'Expect:'];
        foreach ($headers as $name => $value) {
            $lines[] = $name . ': ' . $value;
        }
        $options = [
            CURLOPT_POST => true,
            CURLOPT_POSTFIELDS => $body,
            CURLOPT_HTTPHEADER => $lines,
            CURLOPT_HEADERFUNCTION => self::headerReader($reply),
            CURLOPT_CONNECTTIMEOUT => $this->config->number('connect_timeout'),
            CURLOPT_NOSIGNAL => true,
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_PROXY => '',
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_SSL_VERIFYPEER => true,
            CURLOPT_SSL_VERIFYHOST => 2,
        ];
        if ($this->config->caFile() !== '') {
            $options[CURLOPT_CAINFO] = $this->config->caFile();
        }
        if ($this->config->socket() !== '') {
            $options[CURLOPT_UNIX_SOCKET_PATH] = $this->config->socket();
        }

        return $options;
    }

    private static function headerReader(Reply $reply): callable
    {
        return static function ($handle, string $line) use ($reply): int {
            if (preg_match('~^HTTP/[0-9.]+ ([0-9]{3})~', $line, $match) === 1) {
                $reply->status = (int) $match[1];
            }
            $pair = explode(':', $line, 2);
            if (count($pair) === 2) {
                $reply->headers[strtolower(trim($pair[0]))] = trim($pair[1]);
            }

            return strlen($line);
        };
    }

    private function explain(int $errno, int $seconds): string
    {
        switch ($errno) {
            case CURLE_OPERATION_TIMEDOUT:
                return sprintf('KVM Bridge did not answer within %d seconds.', $seconds);
            case CURLE_COULDNT_CONNECT:
            case CURLE_COULDNT_RESOLVE_HOST:
                return 'KVM Bridge cannot be reached: is its service running?';
            case CURLE_SSL_CONNECT_ERROR:
            case CURLE_SSL_CACERT:
            case CURLE_SSL_CERTPROBLEM:
            case CURLE_SSL_CACERT_BADFILE:
                return 'The TLS certificate of KVM Bridge cannot be verified.';
            default:
                return sprintf('The connection to KVM Bridge broke (curl error %d).', $errno);
        }
    }
}
