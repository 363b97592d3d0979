<?php

/**
 * Calls functions of the shim the way WHMCS does. The job is JSON on standard input; what came back, what was logged and
 * what went wrong is written to the job's report file, so that standard output holds only what the shim prints itself.
 */

require __DIR__ . '/whmcs.php';

$job = json_decode(stream_get_contents(STDIN), true);
$report = ['results' => [], 'thrown' => [], 'ended' => false];

register_shutdown_function(static function () use (&$report, $job) {
    $fatal = error_get_last();
    $report['problems'] = Standin::$problems;
    $report['log'] = Standin::$moduleLog;
    $report['hooks'] = array_keys(Standin::$hooks);
    $report['included'] = array_map('basename', get_included_files());
    $report['fatal'] = $fatal === null ? '' : $fatal['message'];
    file_put_contents($job['report'], json_encode($report, JSON_INVALID_UTF8_SUBSTITUTE | JSON_PARTIAL_OUTPUT_ON_ERROR));
});

foreach ($job['defines'] as $name) {
    define($name, true);
}
$_SESSION = $job['session'];
$_GET = $job['get'];
$_POST = $job['post'];
$_REQUEST = $job['get'] + $job['post'];
$_SERVER = $job['server'] + $_SERVER;

/**
 * For what JSON cannot carry into a call.
 */
function run_code($code)
{
    return eval($code);
}

$modules = $job['tree'] . '/modules';
foreach ($job['load'] as $file) {
    require $modules . '/' . $file;
}

foreach ($job['calls'] as $call) {
    $arguments = $call['arguments'];
    if ($call['model']) {
        $arguments[0]['model'] = new ModelThatMustNotTravel();
    }
    if ($call['menu']) {
        $arguments[0] = new MenuItem();
        $arguments[0]->addChild('Service Details Actions', []);
    }
    $functions = $call['hook'] !== '' ? Standin::$hooks[$call['hook']] ?? [] : [$call['function']];
    foreach ($functions as $function) {
        try {
            $result = $function(...$arguments);
            foreach ($call['then'] as $method) {
                $result = $result->$method(...$call['then_arguments']);
            }
            $report['results'][] = $call['menu'] ? $arguments[0]->describe() : $result;
        } catch (\Throwable $error) {
            $report['thrown'][] = get_class($error) . ': ' . $error->getMessage();
        }
    }
}
$report['ended'] = true;
