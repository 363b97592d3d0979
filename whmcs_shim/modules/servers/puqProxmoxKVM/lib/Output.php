<?php

namespace KvmBridge\Shim;

/**
 * Answers that are not part of a WHMCS page.
 */
final class Output
{
    /**
     * Prints JSON in place of everything that WHMCS has buffered, and ends the request.
     *
     * @return never
     */
    public static function json(array $answer, int $status = 200): void
    {
        self::instead('application/json', self::encode($answer), $status);
    }

    /**
     * Prints a piece of HTML in place of the whole page, and ends the request.
     *
     * @return never
     */
    public static function html(string $html): void
    {
        self::instead('text/html', $html, 200);
    }

    public static function encode(array $answer): string
    {
        $flags = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE;

        return (string) json_encode($answer, $flags);
    }

    /**
     * @return never
     */
    private static function instead(string $type, string $body, int $status): void
    {
        while (ob_get_level() > 0 && ob_end_clean()) {
            continue;
        }
        if (!headers_sent()) {
            http_response_code($status);
            header('Content-Type: ' . $type . '; charset=utf-8');
            header('Cache-Control: no-store');
            header('X-Content-Type-Options: nosniff');
        }
        echo $body;
        exit;
    }
}
