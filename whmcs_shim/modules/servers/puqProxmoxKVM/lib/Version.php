<?php

namespace KvmBridge\Shim;

/**
 * The version that WHMCS shows for both modules; a change makes WHMCS call the addon's upgrade function.
 */
final class Version
{
    public const NUMBER = '0.1.0';
}
