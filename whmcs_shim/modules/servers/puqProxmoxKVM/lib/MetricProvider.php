<?php

namespace KvmBridge\Shim;

use WHMCS\UsageBilling\Contracts\Metrics\MetricInterface;
use WHMCS\UsageBilling\Contracts\Metrics\ProviderInterface;
use WHMCS\UsageBilling\Metrics\Metric;
use WHMCS\UsageBilling\Metrics\Units\GigaBytes;
use WHMCS\UsageBilling\Metrics\Usage;

// Without WHMCS (a browser that asks for this very file) there is nothing to implement.
if (!interface_exists(ProviderInterface::class)) {
    return;
}

/**
 * Traffic of the calendar month for WHMCS's usage billing. Loaded only by MetricProvider(): its interface exists in
 * WHMCS alone. A tenant is the service's domain, as MetaData declares.
 */
final class MetricProvider implements ProviderInterface
{
    private const NAMES = [
        'bandwidth_usage_in' => 'Bandwidth Usage In',
        'bandwidth_usage_out' => 'Bandwidth Usage Out',
    ];

    private array $params;

    public function __construct(array $params)
    {
        $this->params = $params;
    }

    /**
     * WHMCS asks this for products without a server too, so the list is constant.
     *
     * @return array<string, MetricInterface>
     */
    public function metrics()
    {
        $metrics = [];
        foreach (self::NAMES as $name => $label) {
            $metrics[$name] = new Metric($name, $label, MetricInterface::TYPE_PERIOD_MONTH, new GigaBytes());
        }

        return $metrics;
    }

    /**
     * @return array<string, MetricInterface[]>
     */
    public function usage()
    {
        $answer = $this->ask([], 'long_timeout');
        $usage = [];
        foreach ($answer['tenants'] as $tenant => $values) {
            $usage[(string) $tenant] = $this->measured($values, $answer);
        }

        return $usage;
    }

    /**
     * @param string $tenant the service's domain
     *
     * @return MetricInterface[]
     */
    public function tenantUsage($tenant)
    {
        if (!is_scalar($tenant)) {
            return [];
        }
        $answer = $this->ask(['tenant' => (string) $tenant], 'timeout');
        foreach ($answer['tenants'] as $domain => $values) {
            if (strcasecmp((string) $domain, (string) $tenant) === 0) {
                return $this->measured($values, $answer);
            }
        }

        return [];
    }

    /**
     * @param mixed $values of one tenant
     * @param array $month  with its start and end
     *
     * @return MetricInterface[] only the metrics that the daemon has a number for
     */
    private function measured($values, array $month): array
    {
        $measured = [];
        foreach (is_array($values) ? $this->metrics() : [] as $name => $metric) {
            if (isset($values[$name]) && is_numeric($values[$name])) {
                $measured[] = $metric->withUsage(new Usage(
                    (float) $values[$name],
                    self::moment($values, 'collected'),
                    self::moment($month, 'start'),
                    self::moment($month, 'end')
                ));
            }
        }

        return $measured;
    }

    /**
     * Epoch seconds, which WHMCS takes as they are.
     */
    private static function moment(array $values, string $key): ?int
    {
        return isset($values[$key]) && is_numeric($values[$key]) ? (int) $values[$key] : null;
    }

    /**
     * @return array with 'tenants', an empty list when the daemon cannot be asked
     */
    private function ask(array $extra, string $patience): array
    {
        $nothing = ['tenants' => []];
        try {
            $params = Params::reduce($this->params) + $extra;
            $result = Client::configured()->call('/v1/module/MetricUsage', $params, $patience);

            return is_array($result) && is_array($result['tenants'] ?? null) ? $result : $nothing;
        } catch (\Throwable $error) {
            Failure::text('MetricUsage', $error);

            return $nothing;
        }
    }
}
