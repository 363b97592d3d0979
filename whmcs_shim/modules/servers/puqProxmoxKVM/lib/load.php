<?php

/**
 * Loads the shim's classes by their place on disk. WHMCS's own autoloader is not relied on: how it maps the mixed-case
 * module name to a namespace is not documented. MetricProvider is left out, it needs WHMCS's interfaces.
 */

require_once __DIR__ . '/BridgeError.php';
require_once __DIR__ . '/Refusal.php';
require_once __DIR__ . '/Version.php';
require_once __DIR__ . '/Config.php';
require_once __DIR__ . '/Signature.php';
require_once __DIR__ . '/Reply.php';
require_once __DIR__ . '/Transport.php';
require_once __DIR__ . '/StreamReader.php';
require_once __DIR__ . '/Actor.php';
require_once __DIR__ . '/Params.php';
require_once __DIR__ . '/Failure.php';
require_once __DIR__ . '/Client.php';
require_once __DIR__ . '/Output.php';
require_once __DIR__ . '/Buttons.php';
require_once __DIR__ . '/SettingsPanel.php';
require_once __DIR__ . '/Module.php';
require_once __DIR__ . '/ClientPages.php';
require_once __DIR__ . '/AddonModule.php';
require_once __DIR__ . '/CronRun.php';
require_once __DIR__ . '/Hooks.php';
