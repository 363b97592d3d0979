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
        $usage = [];
        foreach ($this->ask([]) as $tenant => $values) {
            $usage[(string) $tenant] = $this->measured(is_array($values) ? $values : []);
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
        $answer = is_scalar($tenant) ? $this->ask(['tenant' => (string) $tenant]) : [];
        $values = $answer[(string) $tenant] ?? [];

        return $this->measured(is_array($values) ? $values : []);
    }

    /**
     * @return MetricInterface[] only the metrics that the daemon has a number for
     */
    private function measured(array $values): array
    {
        $measured = [];
        foreach ($this->metrics() as $name => $metric) {
            if (isset($values[$name]) && is_numeric($values[$name])) {
                $measured[] = $metric->withUsage(new Usage((float) $values[$name]));
            }
        }

        return $measured;
    }

    private function ask(array $extra): array
    {
        try {
            $params = Params::reduce($this->params) + $extra;
            $result = Client::configured()->call('/v1/module/MetricUsage', $params);

            return is_array($result) ? $result : [];
        } catch (\Throwable $error) {
            Failure::text('MetricUsage', $error);

            return [];
        }
    }
}
