<?php

namespace KvmBridge\Shim;

/**
 * One cron run at the daemon, its lines printed the moment they arrive.
 */
final class CronRun
{
    /**
     * The daemon could not be asked or its answer could not be used; 0 and 1 are the daemon's own exit codes.
     */
    private const NO_DAEMON = 2;

    /**
     * cron.php: the arguments go to the daemon as they are.
     *
     * @param string[] $arguments
     *
     * @return int the exit code for the process
     */
    public static function fromCommandLine(array $arguments): int
    {
        try {
            return self::run($arguments, 'standalone');
        } catch (\Throwable $error) {
            fwrite(STDERR, 'Error: ' . Failure::text('cron', $error) . "\n");

            return self::NO_DAEMON;
        }
    }

    /**
     * At the end of a WHMCS cron run that somebody watches.
     */
    public static function fromHook(): void
    {
        try {
            self::run([], 'hook');
        } catch (\Throwable $error) {
            fwrite(STDOUT, 'KVM Bridge: ' . Failure::text('cron', $error) . "\n");
        }
    }

    private static function run(array $arguments, string $mode): int
    {
        $params = ['argv' => array_values(array_map('strval', $arguments)), 'mode' => $mode];

        return Client::configured()->stream('/v1/cron/run', $params, static function (string $line): void {
            fwrite(STDOUT, $line . "\n");
            fflush(STDOUT);
        });
    }
}
