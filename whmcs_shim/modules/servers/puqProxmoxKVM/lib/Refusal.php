<?php

namespace KvmBridge\Shim;

require_once __DIR__ . '/BridgeError.php';

/**
 * The daemon understood the call and said no. Its message is signed and already worded for whoever made the call.
 */
final class Refusal extends BridgeError
{
}
