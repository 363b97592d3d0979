<?php

/**
 * As much of WHMCS as the shim touches. Everything that WHMCS would only log or show as a stray line is recorded here as a
 * problem: warnings, notices and deprecations of any level, and exceptions that leave a module function.
 */

namespace {
    error_reporting(E_ALL);
    ini_set('display_errors', 'stderr');

    define('WHMCS', true);

    final class Standin
    {
        public static array $problems = [];

        public static array $moduleLog = [];

        public static array $hooks = [];
    }

    set_error_handler(static function ($level, $message, $file, $line) {
        Standin::$problems[] = sprintf('%d: %s in %s:%d', $level, $message, basename($file), $line);

        return true;
    });

    function add_hook($name, $priority, $callback)
    {
        Standin::$hooks[$name][] = $callback;
    }

    function logModuleCall($module, $action, $request, $response, $processed = '', $replace = [])
    {
        Standin::$moduleLog[] = [$module, $action, $request, $response, $processed];
    }

    function logActivity($message, $client = 0)
    {
    }

    function localAPI($action, $values = [], $admin = '')
    {
        throw new \RuntimeException('The shim has no business with localAPI.');
    }

    /**
     * The Eloquent model that WHMCS puts into the parameters: must never be looked into, printed or sent.
     */
    final class ModelThatMustNotTravel implements \JsonSerializable
    {
        #[\ReturnTypeWillChange]
        public function jsonSerialize()
        {
            throw new \RuntimeException('The model was serialized.');
        }

        public function __get($name)
        {
            throw new \RuntimeException('The model was read.');
        }
    }

    /**
     * WHMCS's menu item, as the sidebar hook gets it.
     */
    final class MenuItem
    {
        public string $name;

        public array $options;

        public array $children = [];

        public string $class = '';

        public function __construct(string $name = 'root', array $options = [])
        {
            $this->name = $name;
            $this->options = $options;
        }

        public function getChild($name)
        {
            return $this->children[$name] ?? null;
        }

        public function addChild($name, array $options = [])
        {
            return $this->children[$name] = new MenuItem($name, $options);
        }

        public function setClass($class)
        {
            $this->class = $class;

            return $this;
        }

        public function describe(): array
        {
            $children = [];
            foreach ($this->children as $child) {
                $children[] = $child->describe();
            }

            return [$this->name, $this->options, $this->class, $children];
        }
    }
}

namespace WHMCS\UsageBilling\Contracts\Metrics {
    interface UnitInterface
    {
    }

    interface UsageInterface
    {
    }

    interface MetricInterface
    {
        public const TYPE_SNAPSHOT = 'snapshot';
        public const TYPE_PERIOD_DAY = 'day';
        public const TYPE_PERIOD_MONTH = 'month';
    }

    interface ProviderInterface
    {
        public function metrics();

        public function usage();

        public function tenantUsage($tenant);
    }
}

namespace WHMCS\UsageBilling\Metrics\Units {
    class GigaBytes implements \WHMCS\UsageBilling\Contracts\Metrics\UnitInterface
    {
    }
}

namespace WHMCS\UsageBilling\Metrics {
    use WHMCS\UsageBilling\Contracts\Metrics\MetricInterface;
    use WHMCS\UsageBilling\Contracts\Metrics\UnitInterface;
    use WHMCS\UsageBilling\Contracts\Metrics\UsageInterface;

    class Usage implements UsageInterface
    {
        public $value;

        public $collectedAt;

        public $startAt;

        public $endAt;

        /**
         * Times are null, Carbon, float or int (class reference of 9.0).
         */
        public function __construct($value, $collectedAt = null, $startAt = null, $endAt = null)
        {
            foreach ([$collectedAt, $startAt, $endAt] as $time) {
                if ($time !== null && !is_int($time) && !is_float($time)) {
                    throw new \TypeError('Usage cannot take ' . gettype($time) . ' as a time.');
                }
            }
            $this->value = $value;
            $this->collectedAt = $collectedAt;
            $this->startAt = $startAt;
            $this->endAt = $endAt;
        }
    }

    class Metric implements MetricInterface
    {
        public $systemName;

        public $displayName;

        public $type;

        public $units;

        public $usage;

        public function __construct(
            $systemName,
            $displayName = null,
            $type = null,
            ?UnitInterface $units = null,
            ?UsageInterface $usage = null
        ) {
            $this->systemName = $systemName;
            $this->displayName = $displayName;
            $this->type = $type;
            $this->units = $units === null ? null : get_class($units);
            $this->usage = $usage;
        }

        public function withUsage(?UsageInterface $usage = null)
        {
            $metric = clone $this;
            $metric->usage = $usage;

            return $metric;
        }
    }
}
