<?php

namespace KvmBridge\Shim;

/**
 * Turns whatever went wrong into one line for the person who looks, and notes it in WHMCS's module log.
 */
final class Failure
{
    public const FOR_CLIENTS = 'Something went wrong. Please try again later or contact our support.';

    private const MODULE = 'puqProxmoxKVM';

    /**
     * @param string $subject whom the call was about, for the log: "service 12"
     *
     * @return string never empty, one line; calm words without detail when a client is looking
     */
    public static function text(string $function, \Throwable $error, string $subject = ''): string
    {
        // Only our own messages are known to be free of secrets; of a stranger's exception just the name is told.
        $text = $error instanceof BridgeError
            ? self::oneLine($error->getMessage())
            : 'The KVM Bridge module failed (' . self::oneLine(get_class($error)) . ').';
        self::log($function, $subject, $text);
        if ($error instanceof Refusal || !Actor::isClient()) {
            return $text;
        }

        return self::FOR_CLIENTS;
    }

    /**
     * Text as WHMCS shows it: one line, no markup, of a bearable length, never empty.
     */
    public static function oneLine(string $text): string
    {
        $clean = preg_replace('~[\s\x00-\x1f\x7f<>]+~u', ' ', $text);
        $clean = trim($clean === null ? '' : $clean);
        if ($clean === '') {
            return 'KVM Bridge gave no reason.';
        }

        return preg_match('~^.{1,500}~su', $clean, $match) === 1 ? $match[0] : $clean;
    }

    public static function escape(string $text): string
    {
        return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
    }

    private static function log(string $function, string $subject, string $text): void
    {
        if (!function_exists('logModuleCall')) {
            return;
        }
        try {
            logModuleCall(self::MODULE, $function, $subject, $text, '', []);
        } catch (\Throwable $error) {
            // The log of WHMCS is broken; the caller still gets the text, and there is nowhere else to tell it.
            return;
        }
    }
}
