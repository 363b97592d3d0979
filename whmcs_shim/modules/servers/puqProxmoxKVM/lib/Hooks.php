<?php

namespace KvmBridge\Shim;

/**
 * What happens behind WHMCS's hooks: tell the daemon, hand its answer on, and never disturb the page.
 *
 * hooks.php has already sorted out the pages and products that are certainly not ours; the daemon decides about the
 * rest.
 */
final class Hooks
{
    /**
     * Tells the daemon that something happened; null when it cannot be told.
     *
     * @return mixed what the hook has to return
     */
    public static function tell(string $hook, array $params)
    {
        try {
            return Client::configured()->call('/v1/hook/' . $hook, $params, 'hook_timeout');
        } catch (\Throwable $error) {
            Failure::text($hook, $error);

            return null;
        }
    }

    /**
     * The end of a WHMCS cron run. Started by hand from a console it prints the lines of the run as they come;
     * otherwise the daemon is only woken up, so that WHMCS's own cron goes on at once. In standalone mode the daemon
     * does neither.
     */
    public static function afterCron(): void
    {
        if (PHP_SAPI === 'cli' && self::someoneWatches()) {
            CronRun::fromHook();
        } else {
            self::tell('AfterCronJob', []);
        }
    }

    /**
     * Saves the settings panel of a product; the marker key is on the form only where our panel is.
     */
    public static function saveProduct(int $product): void
    {
        $fields = $_POST[SettingsPanel::FORM_KEY] ?? [];
        $params = ['pid' => $product, 'fields' => (object) Params::plain(is_array($fields) ? $fields : [])];
        self::tell('AdminProductConfigFieldsSave', $params);
    }

    /**
     * Variables that replace those of the upgrade page, e.g. an error that refuses a smaller disk.
     *
     * @return array<string, mixed>
     */
    public static function upgradePage(array $vars): array
    {
        $options = isset($vars['configoptions']) && is_array($vars['configoptions']) ? $vars['configoptions'] : [];
        $params = Params::pick($vars, ['id', 'type']) + ['request' => Params::request()];
        $params['options'] = array_values(Params::plain($options));
        $result = self::tell('ClientAreaPageUpgrade', $params);

        return is_array($result) ? $result : [];
    }

    public static function upgradeFooter(array $vars): string
    {
        $params = Params::pick($vars, ['id', 'type']) + ['request' => Params::request()];
        $result = self::tell('ClientAreaFooterOutput', $params);

        return is_string($result) ? $result : '';
    }

    /**
     * Reasons against a package upgrade; none when the daemon cannot be asked, since ChangePackage checks again.
     *
     * @return string[]
     */
    public static function validateUpgrade(array $vars): array
    {
        $result = self::tell('ShoppingCartValidateUpgrade', Params::pick($vars, ['id', 'pid']));

        return is_array($result) ? array_values(array_filter($result, 'is_string')) : [];
    }

    /**
     * Adds the panels that the daemon answers to the sidebar of a product page.
     *
     * @param object $sidebar the root of WHMCS's menu
     */
    public static function sidebar($sidebar, int $service): void
    {
        $panels = self::tell('ClientAreaPrimarySidebar', ['serviceid' => $service, 'request' => Params::request()]);
        try {
            foreach (is_array($panels) ? $panels : [] as $panel) {
                if (is_array($panel)) {
                    self::addPanel($sidebar, $panel);
                }
            }
        } catch (\Throwable $error) {
            Failure::text('ClientAreaPrimarySidebar', $error, 'service ' . $service);
        }
    }

    private static function addPanel($sidebar, array $panel): void
    {
        $name = isset($panel['name']) && is_string($panel['name']) ? $panel['name'] : '';
        if ($name === '' || $sidebar->getChild($name) !== null) {
            return;
        }
        $item = $sidebar->addChild($name, Params::pick($panel, ['label', 'order', 'icon']));
        foreach (isset($panel['items']) && is_array($panel['items']) ? $panel['items'] : [] as $entry) {
            if (!is_array($entry) || !isset($entry['name']) || !is_string($entry['name'])) {
                continue;
            }
            $child = $item->addChild($entry['name'], Params::pick($entry, ['label', 'uri', 'order', 'icon']));
            if (isset($entry['class']) && is_string($entry['class'])) {
                $child->setClass($entry['class']);
            }
        }
    }

    /**
     * A run with its output piped into a file still has a terminal on another channel; a run from crontab has none.
     */
    private static function someoneWatches(): bool
    {
        foreach (['STDIN', 'STDOUT', 'STDERR'] as $channel) {
            if (defined($channel) && is_resource(constant($channel)) && stream_isatty(constant($channel))) {
                return true;
            }
        }

        return false;
    }
}
