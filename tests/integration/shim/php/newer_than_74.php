<?php

/**
 * Lists what a PHP file uses that PHP 7.4 does not have, or that a PHP up to 8.4 complains about. Works on tokens, so text
 * and comments may say anything. Prints one line per finding.
 */

// Newer functions, and functions that a newer PHP has deprecated or removed.
const FUNCTIONS = [
    'str_contains', 'str_starts_with', 'str_ends_with', 'get_debug_type', 'get_resource_id', 'fdiv', 'preg_last_error_msg',
    'array_is_list', 'fsync', 'fdatasync', 'enum_exists', 'curl_upkeep', 'ini_parse_quantity', 'memory_reset_peak_usage',
    'json_validate', 'mb_str_pad', 'str_increment', 'str_decrement', 'array_find', 'array_find_key', 'array_any',
    'array_all', 'mb_trim', 'mb_ltrim', 'mb_rtrim', 'mb_ucfirst', 'mb_lcfirst', 'http_get_last_response_headers',
    'utf8_encode', 'utf8_decode', 'strftime', 'gmstrftime', 'each', 'create_function', 'get_magic_quotes_gpc',
    'money_format', 'is_real', 'date_sunrise', 'date_sunset', 'strptime', 'odbc_result_all', 'lcg_value', 'curl_close',
    'mhash', 'convert_cyr_string', 'hebrevc', 'restore_include_path', 'array_key_exists_any', 'call_user_method',
];
const CONSTANTS = ['FILTER_SANITIZE_STRING', 'FILTER_SANITIZE_STRIPPED', 'E_STRICT', 'FILTER_SANITIZE_MAGIC_QUOTES'];
const CLASSES = ['WeakMap', 'Stringable', 'ValueError', 'UnhandledMatchError', 'Fiber', 'UnitEnum', 'BackedEnum', 'Attribute'];
const NEW_TOKENS = ['T_MATCH', 'T_NULLSAFE_OBJECT_OPERATOR', 'T_ENUM', 'T_READONLY', 'T_ATTRIBUTE'];
const NEW_TYPES = ['mixed', 'never', 'null', 'false', 'true', 'static'];

function findings(string $file): array
{
    $tokens = array_values(array_filter(token_get_all(file_get_contents($file)), static function ($token) {
        return !is_array($token) || !in_array($token[0], [T_WHITESPACE, T_COMMENT, T_DOC_COMMENT], true);
    }));
    $found = [];
    foreach ($tokens as $i => $token) {
        $text = is_array($token) ? $token[1] : $token;
        $name = is_array($token) ? token_name($token[0]) : '';
        $next = $tokens[$i + 1] ?? '';
        $before = $tokens[$i - 1] ?? '';
        $line = is_array($token) ? $token[2] : 0;
        if (in_array($name, NEW_TOKENS, true) && !isMethod($before)) {
            $found[] = "$line: $text";
        }
        if ($name === 'T_STRING' && $next === '(' && in_array(strtolower($text), FUNCTIONS, true) && !isMethod($before)) {
            $found[] = "$line: function $text";
        }
        if ($name === 'T_STRING' && (in_array($text, CONSTANTS, true) || in_array($text, CLASSES, true))) {
            $found[] = "$line: $text";
        }
        if ($name === 'T_STRING' && $next === ':' && in_array($before, ['(', ','], true) && ($tokens[$i + 2] ?? '') !== ':') {
            $found[] = "$line: named argument $text";
        }
        if ($name === 'T_DOLLAR_OPEN_CURLY_BRACES') {
            $found[] = "$line: \${} in a string";
        }
        if ($name === 'T_THROW' && !in_array($before, [';', '{', '}', ':'], true) && $before !== ')') {
            $found[] = "$line: throw as an expression";
        }
        if ($name === 'T_CATCH' && caughtWithoutVariable($tokens, $i)) {
            $found[] = "$line: catch without a variable";
        }
        if ($name === 'T_FUNCTION' || $name === 'T_FN') {
            $found = array_merge($found, signature($tokens, $i, $line));
        }
        if (in_array($name, ['T_PUBLIC', 'T_PROTECTED', 'T_PRIVATE'], true) && unionProperty($tokens, $i)) {
            $found[] = "$line: union type of a property";
        }
        if ($name === 'T_CONST' && is_array($next) && is_array($tokens[$i + 2] ?? '') && $tokens[$i + 2][0] === T_STRING) {
            $found[] = "$line: typed constant";
        }
        if ($name === 'T_ELLIPSIS' && $before === '(' && $next === ')') {
            $found[] = "$line: first-class callable";
        }
        if (in_array($name, ['T_LNUMBER'], true) && stripos($text, '0o') === 0) {
            $found[] = "$line: octal $text";
        }
    }

    return $found;
}

function isMethod($before): bool
{
    return is_array($before) && in_array($before[0], [T_OBJECT_OPERATOR, T_DOUBLE_COLON, T_FUNCTION, T_NEW], true);
}

function caughtWithoutVariable(array $tokens, int $i): bool
{
    while ($tokens[$i] !== ')') {
        if (is_array($tokens[$i]) && $tokens[$i][0] === T_VARIABLE) {
            return false;
        }
        $i++;
    }

    return true;
}

function unionProperty(array $tokens, int $i): bool
{
    for ($i++; is_array($tokens[$i]) && $tokens[$i][0] !== T_VARIABLE; $i++) {
        if (in_array($tokens[$i][0], [T_FUNCTION, T_CONST], true)) {
            return false;
        }
    }

    return $tokens[$i] === '|' || $tokens[$i] === '&';
}

/**
 * What a list of parameters and a return type may not have: promotion, unions, new types, implicit null, trailing comma.
 */
function signature(array $tokens, int $i, int $line): array
{
    $found = [];
    while ($tokens[$i] !== '(') {
        $i++;
    }
    $depth = 0;
    $type = [];
    for (; true; $i++) {
        $token = $tokens[$i];
        $text = is_array($token) ? $token[1] : $token;
        if ($text === '(' || $text === '[') {
            $depth++;
        } elseif ($text === ')' || $text === ']') {
            $depth--;
            if ($depth === 0) {
                $comma = $tokens[$i - 1] === ',';
                break;
            }
        } elseif ($depth === 1 && is_array($token) && $token[0] === T_VARIABLE) {
            $null = ($tokens[$i + 1] ?? '') === '=' && is_array($tokens[$i + 2]) && strtolower($tokens[$i + 2][1]) === 'null';
            if ($null && $type !== [] && $type[0] !== '?') {
                $found[] = "$line: implicit null of $text";
            }
            $found = array_merge($found, newType($type, $line));
            $type = ['='];
        } elseif ($depth === 1 && $text === ',') {
            $type = [];
        } elseif ($depth === 1 && $type !== ['=']) {
            $type[] = $text;
        }
    }
    if ($comma) {
        $found[] = "$line: comma after the last parameter";
    }
    if (($tokens[$i + 1] ?? '') === ':') {
        $return = [];
        for ($i += 2; !in_array($tokens[$i], ['{', ';'], true) && !(is_array($tokens[$i]) && $tokens[$i][0] === T_DOUBLE_ARROW); $i++) {
            $return[] = is_array($tokens[$i]) ? $tokens[$i][1] : $tokens[$i];
        }
        $found = array_merge($found, newType($return, $line));
    }

    return $found;
}

function newType(array $type, int $line): array
{
    $found = [];
    foreach ($type as $word) {
        if (in_array($word, ['public', 'protected', 'private'], true)) {
            $found[] = "$line: promoted parameter";
        }
        if (in_array(strtolower($word), NEW_TYPES, true) || $word === '|') {
            $found[] = "$line: type " . implode('', $type);
        }
    }

    return $found;
}

foreach (array_slice($argv, 1) as $file) {
    foreach (findings($file) as $finding) {
        echo basename($file), ':', $finding, "\n";
    }
}
